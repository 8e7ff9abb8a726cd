import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { type Chat, type ChatAnswer, type ChatRequest, chat as port } from "../chat.ts";
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
const answers: Ask = async ({ deadline = Number.POSITIVE_INFINITY }, signal) => {
  signal.throwIfAborted();
  if (deadline < performance.now()) throw new Fault("CHAT_TIMEOUT", { model: "p/m", afterMs: 0 });
  return answer;
};
const good = (ask: Ask = answers): Chat => ({ model: "p/m", takesImages: false, guarded: false, ask });
const pluginOf = (open: () => Chat & { close?(): Promise<void> }, change: object = {}): Mine => ({
  ...defineResource({ name: "tiny", about: "x", options: z.strictObject({}), fills: port, open: async () => open() }),
  ...change,
});
const requests: ChatRequest[] = [{ messages: [{ role: "user", text: "Who?" }], maxTokens: 9 }];
const suite = (plugin: Mine) => (test: Test) => testChat({ test, plugin, options: {}, requests });
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
  "fills chat@1 and describes its model": pluginOf(good, { fills: definePort("chat@0") }),
  "answers with a text, and says what it used and cost": changed({ usage: { inputTokens: 0.5, outputTokens: 1 } }),
  "answers requests that run at once": pluginOf(() => {
    let running = 0;
    return good(async (request, signal) => {
      if (++running > 4) throw new Fault("CHAT_BUSY", { model: "p/m", afterMs: null });
      await sleep(1);
      running--;
      return answers(request, signal);
    });
  }),
  "leaves its request as it was": pluginOf(() =>
    good((request, signal) => {
      (request.messages as unknown[]).push({ role: "assistant", text: "yes" });
      return answers(request, signal);
    }),
  ),
  "throws CHAT_TIMEOUT where the deadline has passed": pluginOf(() =>
    good(({ deadline: _late, ...request }, signal) => answers(request, signal)),
  ),
  "stops within a second of being aborted": pluginOf(() =>
    good(async (request, signal) => {
      if (signal.aborted) await sleep(1500);
      return answers(request, signal);
    }),
  ),
};

test("a good chat keeps every clause", async () => {
  expect(await brokenClauses(suite(pluginOf(good)))).toEqual([]);
});

test.each(Object.entries(mutants))("a chat that breaks it is caught by: %s", async (clause, plugin) => {
  expect(await brokenClauses(suite(plugin))).toContainEqual(expect.stringMatching(new RegExp(`^${clause}`)));
});
