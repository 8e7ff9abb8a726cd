import assert from "node:assert/strict";
import type { z } from "zod";
import { type Chat, type ChatAnswer, type ChatRequest, chat as chatPort } from "../chat.ts";
import { isFault } from "../errors.ts";
import type { ResourcePlugin } from "../plugin.ts";
import { type AnyClause, anyClauses, type Fresh, fresh, whileOpen } from "./any.ts";
import { testHost } from "./host.ts";
import { endsSoon, register, type Suite } from "./suite.ts";

export type ChatClause =
  | AnyClause
  | "fills chat@1 and names its model"
  | "answers, and says what it used"
  | "keeps calls apart that run at once"
  | "leaves the request as it was"
  | "answers an aborted call with the reason of its signal"
  | "stops within a second of being aborted, with the signal's reason"
  | "stops at the deadline, with CHAT_TIMEOUT";

export interface ChatSuite<O extends z.ZodType> extends Suite<ChatClause> {
  readonly plugin: ResourcePlugin<Chat, O>;
  /** Lead to a model that answers at once. */
  readonly options: Fresh<z.input<O>>;
  /** Lead to a model that never answers. */
  readonly silent: Fresh<z.input<O>>;
}

const DEADLINE_MS = 100;
const question = (text: string): ChatRequest => ({ messages: [{ role: "user", text }], maxTokens: 64 });

/** The contract of whatever fills `chat@1`. */
export function testChat<O extends z.ZodType>(suite: ChatSuite<O>): void {
  const { plugin } = suite;
  const host = testHost(suite.lend);
  const live = new AbortController().signal;
  const opened = (use: (chat: Chat) => Promise<void>, options = suite.options) => {
    return async () => whileOpen(plugin, await fresh(options), host, use);
  };

  register(plugin.name, suite, {
    ...anyClauses(plugin, suite.options, host),
    "fills chat@1 and names its model": opened(async ({ model, takesImages, guarded }) => {
      assert.equal(plugin.fills.name, chatPort.name);
      assert.match(model, /^[^/\s]+\/\S+$/, "a model is named by its provider, a slash, and its own name");
      assert.deepEqual([typeof takesImages, typeof guarded], ["boolean", "boolean"]);
    }),
    "answers, and says what it used": opened(async (chat) => {
      checkAnswer(await chat.ask(question("Who is it?"), live));
    }),
    "keeps calls apart that run at once": opened(async (chat) => {
      const answers = await Promise.all([1, 2, 3].map((i) => chat.ask(question(`Who is number ${i}?`), live)));
      answers.forEach(checkAnswer);
    }),
    "leaves the request as it was": opened(async (chat) => {
      const request = question("Who is it?");
      await chat.ask(request, live);
      assert.deepEqual(request, question("Who is it?"));
    }),
    "answers an aborted call with the reason of its signal": opened(async (chat) => {
      const enough = new Error("enough");
      await assert.rejects(chat.ask(question("Who is it?"), AbortSignal.abort(enough)), enough);
    }),
    "stops within a second of being aborted, with the signal's reason": opened(async (chat) => {
      const controller = new AbortController();
      const enough = new Error("enough");
      const call = assert.rejects(chat.ask(question("Who is silent?"), controller.signal), enough);
      setTimeout(() => controller.abort(enough), 50);
      await endsSoon(call, "ask");
      await call;
    }, suite.silent),
    "stops at the deadline, with CHAT_TIMEOUT": opened(async (chat) => {
      const deadline = performance.now() + DEADLINE_MS;
      const call = chat.ask({ ...question("Who is late?"), deadline }, live);
      await endsSoon(call, "ask");
      await assert.rejects(call, (error) => isFault(error) && error.code === "CHAT_TIMEOUT");
    }, suite.silent),
  });
}

function checkAnswer({ text, structured, finish, usage, usd }: ChatAnswer): void {
  assert.deepEqual([typeof text, typeof structured], ["string", "boolean"]);
  assert.ok(["stop", "length", "refusal"].includes(finish), `finish ${finish}`);
  for (const tokens of [usage.inputTokens, usage.outputTokens])
    assert.ok(Number.isSafeInteger(tokens) && tokens >= 0, `tokens ${tokens}`);
  assert.ok(Number.isFinite(usd) && usd >= 0, `usd ${usd}`);
}
