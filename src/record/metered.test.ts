import { expect, onTestFinished, test } from "vitest";
import { worstUsd } from "../chat/cost.ts";
import { type Ask, guarded, never, scriptedChat, slow, yes } from "../chat/guard.test-help.ts";
import { type Chat, type ChatAnswer, type ChatRequest, chat as chatPort } from "../chat.ts";
import type { Plan } from "../plan.ts";
import type { AnyPlugin } from "../plugin.ts";
import { createMeter } from "./meter.ts";
import { metered } from "./metered.ts";
import { openPurse } from "./purse.ts";
import { createTurns } from "./turns.ts";

const price = { inputUsd: 0, outputUsd: 1000, imageTokens: 0 };
const about = (text: string): ChatRequest => ({ messages: [{ role: "user", text }], maxTokens: 100 });
const WORST = worstUsd(about("any"), price);
const answer: ChatAnswer = { ...yes, usd: WORST / 2 };
const memory = { memoryMb: 1, maxAgeMs: 60_000, fileMb: 1 };

/** One stage asks a model, and another one a guard before that model: both as they are measured. */
async function setUp(maxUsd: number, reply: Ask, more: Partial<Chat> = { price }) {
  const { chat: model, asked } = scriptedChat(reply, more);
  let behind: Chat;
  const borrow = (name: string) => [{ port: chatPort, name }];
  const resource = (name: string, open: () => Chat, borrows: readonly unknown[]) => ({
    name,
    options: {},
    plugin: { fills: chatPort, borrows: () => borrows, open: async () => open() } as unknown as AnyPlugin,
  });
  const stage = (name: string) => ({ options: {}, plugin: { borrows: () => borrow(name) } });
  const plan = {
    resources: [
      resource("llm", () => model, []),
      resource("guard", () => guarded(behind, { cache: memory, attempts: 1 }).guard, borrow("llm")),
    ],
    stages: [stage("llm"), stage("guard")],
  } as unknown as Plan;
  const meter = createMeter();
  const purse = openPurse(meter, maxUsd);
  onTestFinished(purse.close);
  const turns = createTurns(purse.freeUsd);
  const { resources } = metered(plan, { meter, purse, turns, questions: undefined });
  const open = (i: number) => resources[i]!.plugin.open({}, {} as never) as unknown as Promise<Chat>;
  behind = await open(0);
  const guard = await open(1);
  return { llm: behind, guard, asked, meter };
}
const codes = (calls: readonly Promise<unknown>[]) =>
  Promise.all(calls.map((call) => call.then(() => "ok").catch(({ code }) => code)));

test("a question through a guard takes one turn, though the model behind it is borrowed as well", async () => {
  const { guard, llm, meter, asked } = await setUp(1.9 * WORST, slow(5, answer));
  expect(await codes([guard.ask(about("a"), never), llm.ask(about("b"), never)])).toEqual(["ok", "ok"]);
  expect([asked.length, meter.requests, meter.usd]).toEqual([2, 2, expect.closeTo(WORST, 9)]);
  expect(await codes([guard.ask(about("c"), never)]), "0.9 are left").toEqual(["CHAT_OVER_BUDGET"]);
});

test("while the cost is estimated such a question counts once, and is not sent", async () => {
  const { guard, meter, asked } = await setUp(WORST, slow(5, answer));
  meter.estimating = true;
  expect(await codes([guard.ask(about("a"), never)])).toEqual(["CHAT_OVER_BUDGET"]);
  expect([meter.requests, asked.length]).toEqual([1, 0]);
});

test("what a guard knows is told where the money is spent", async () => {
  const { guard, meter, asked } = await setUp(1.2 * WORST, slow(5, answer));
  const calls = ["a", "a", "b", "a"].map((text) => guard.ask(about(text), never));
  expect(await codes(calls), "the second one waits for the first").toEqual(["ok", "ok", "CHAT_OVER_BUDGET", "ok"]);
  expect(await codes([guard.ask(about("a"), never)])).toEqual(["ok"]);
  expect([asked.length, meter.usd]).toEqual([1, expect.closeTo(WORST / 2, 9)]);
});

test("a model without a price is known once it is open, whether it is asked or not", async () => {
  const { meter } = await setUp(WORST, slow(5, answer), {});
  expect([...meter.unpriced]).toEqual(["test/m"]);
  expect([...(await setUp(WORST, slow(5, answer))).meter.unpriced]).toEqual([]);
});
