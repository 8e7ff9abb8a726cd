import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { type Chat, type ChatAnswer, chat as port } from "../chat.ts";
import { Fault } from "../errors.ts";
import { definePort, defineResource, type ResourcePlugin } from "../plugin.ts";
import { brokenClauses } from "./broken-clauses.test-help.ts";
import { type ChatClause, testChat } from "./chat.ts";
import type { Test } from "./suite.ts";

type Mine = ResourcePlugin<Chat, z.ZodType>;
type Ask = Chat["ask"];
const answer: ChatAnswer = {
  text: "yes",
  structured: false,
  finish: "stop",
  usage: { inputTokens: 3, outputTokens: 1 },
  usd: 0,
};
/** What a chat does that never answers: it still hears its signal, and knows its deadline. */
const waits: Ask = ({ deadline }, signal) =>
  new Promise((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    if (deadline !== undefined) {
      const afterMs = Math.max(0, deadline - performance.now());
      setTimeout(() => reject(new Fault("CHAT_TIMEOUT", { model: "p/m", afterMs })), afterMs);
    }
  });
const answers: Ask = async (_, signal) => {
  signal.throwIfAborted();
  return answer;
};
const options = z.strictObject({ silent: z.boolean().default(false) });
const good = (ask: Ask = answers): Chat => ({ model: "p/m", takesImages: false, guarded: false, ask });
type Opened = Chat & { close?(): Promise<void> };
const pluginOf = (open: () => Opened = good, change: object = {}, silent: Ask = waits): Mine => ({
  ...defineResource({
    name: "tiny",
    about: "x",
    options,
    fills: port,
    open: async (given) => (given.silent ? good(silent) : open()),
  }),
  ...change,
});
const suite = (plugin: Mine) => (test: Test) => testChat({ test, plugin, options: {}, silent: { silent: true } });
const changed = (change: Partial<ChatAnswer>) =>
  pluginOf(() => good(async (request, signal) => ({ ...(await answers(request, signal)), ...change })));

const shared = good();
const mutants: Record<ChatClause, Mine> = {
  "declares itself": pluginOf(good, { about: "" }),
  "refuses an option it does not know": pluginOf(good, { options: z.looseObject({}) }),
  "checks what it opens, and finds nothing wrong": pluginOf(good, {
    check: async () => [{ option: [], error: new Error("not here") }],
  }),
  "may be closed twice": pluginOf(() => {
    let open = 1;
    return { ...good(), close: async () => (open-- > 0 ? undefined : Promise.reject(new Error("closed before"))) };
  }),
  "opens twice, side by side": pluginOf(() => shared),
  "fills chat@1 and names its model": pluginOf(good, { fills: definePort("chat@0") }),
  "answers, and says what it used": changed({ usage: { inputTokens: 0.5, outputTokens: 1 } }),
  "keeps calls apart that run at once": pluginOf(() => {
    let running = 0;
    return good(async (request, signal) => {
      if (++running > 2) throw new Fault("CHAT_BUSY", { model: "p/m", afterMs: null });
      await sleep(1);
      running--;
      return answers(request, signal);
    });
  }),
  "leaves the request as it was": pluginOf(() =>
    good((request, signal) => {
      (request.messages as unknown[]).push({ role: "assistant", text: "yes" });
      return answers(request, signal);
    }),
  ),
  "answers an aborted call with the reason of its signal": pluginOf(() => good(async () => answer)),
  "stops within a second of being aborted, with the signal's reason": pluginOf(good, {}, async (request, signal) => {
    await waits(request, signal).catch(() => sleep(1500));
    return signal.aborted ? Promise.reject(signal.reason) : answer;
  }),
  "stops at the deadline, with CHAT_TIMEOUT": pluginOf(good, {}, (request, signal) =>
    waits(request, signal).catch((error) => Promise.reject(signal.aborted ? error : new Error("too late"))),
  ),
};

test("a good chat keeps every clause", async () => {
  expect(await brokenClauses(suite(pluginOf(good)))).toEqual([]);
});

test.each(Object.entries(mutants))("a chat that breaks it is caught by: %s", async (clause, plugin) => {
  expect(await brokenClauses(suite(plugin))).toContainEqual(expect.stringMatching(new RegExp(`^${clause}`)));
});
