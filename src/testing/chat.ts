import assert from "node:assert/strict";
import type { z } from "zod";
import { type Chat, type ChatRequest, chat as chatPort } from "../chat.ts";
import { isFault } from "../errors.ts";
import type { ResourcePlugin } from "../plugin.ts";
import { type AnyClause, anyClauses, type Fresh, fresh, whileOpen } from "./any.ts";
import { testHost } from "./host.ts";
import { endsSoon, register, type Suite } from "./suite.ts";

export type ChatClause =
  | AnyClause
  | "fills chat@1 and describes its model"
  | "answers with a text, and says what it used and cost"
  | "answers requests that run at once"
  | "leaves its request as it was"
  | "throws CHAT_TIMEOUT where the deadline has passed"
  | "stops within a second of being aborted";

export interface ChatSuite<O extends z.ZodType> extends Suite<ChatClause> {
  readonly plugin: ResourcePlugin<Chat, O>;
  /** They lead to a server that answers each of the requests: one on the loopback interface, best. */
  readonly options: Fresh<z.input<O>>;
  /** One request or more. */
  readonly requests: readonly ChatRequest[];
}

/** The contract of whatever fills `chat@1`. */
export function testChat<O extends z.ZodType>(suite: ChatSuite<O>): void {
  const { plugin, requests } = suite;
  const host = testHost(suite.lend);
  const first = () => requests[0] ?? assert.fail("give one request or more");
  const live = new AbortController().signal;
  const opened = (use: (chat: Chat) => Promise<void>) => async () =>
    whileOpen(plugin, await fresh(suite.options), host, use);

  register(plugin.name, suite, {
    ...anyClauses(plugin, suite.options, host),
    "fills chat@1 and describes its model": opened(async ({ model, takesImages, guarded }) => {
      assert.equal(plugin.fills.name, chatPort.name);
      assert.match(model, /^\S.*\/.*\S$/, "the model is named as provider/model");
      assert.deepEqual([typeof takesImages, typeof guarded], ["boolean", "boolean"]);
    }),
    "answers with a text, and says what it used and cost": opened(async (chat) => {
      for (const request of requests) {
        const { text, finish, usage, usd, structured } = await chat.ask(request, live);
        assert.ok(text.length > 0, "it has a text");
        assert.ok(["stop", "length", "refusal"].includes(finish), `finish ${finish}`);
        for (const tokens of [usage.inputTokens, usage.outputTokens])
          assert.ok(Number.isInteger(tokens) && tokens >= 0, `${tokens} tokens`);
        assert.ok(usd >= 0, `${usd} USD`);
        if (structured) assert.doesNotThrow(() => JSON.parse(text), "a structured answer is JSON");
      }
    }),
    "answers requests that run at once": opened(async (chat) => {
      const many = Array.from({ length: 8 }, () => requests).flat();
      const answers = await Promise.all(many.map((request) => chat.ask(request, live)));
      assert.ok(answers.every(({ text }) => text.length > 0));
    }),
    "leaves its request as it was": opened(async (chat) => {
      const before = structuredClone(first());
      await chat.ask(first(), live);
      assert.deepEqual(first(), before);
    }),
    "throws CHAT_TIMEOUT where the deadline has passed": opened(async (chat) => {
      const late = { ...first(), deadline: performance.now() - 1 };
      const error = await chat.ask(late, live).then(
        () => assert.fail("it answered all the same"),
        (thrown: unknown) => thrown,
      );
      assert.ok(isFault(error) && error.code === "CHAT_TIMEOUT", String(error));
    }),
    "stops within a second of being aborted": opened(async (chat) => {
      const stop = new AbortController();
      const running = chat.ask(first(), stop.signal);
      stop.abort();
      await endsSoon(running, "ask()");
      await endsSoon(chat.ask(first(), AbortSignal.abort()), "ask() with a signal aborted before");
    }),
  });
}
