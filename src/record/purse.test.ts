import { expect, onTestFinished, test } from "vitest";
import { worstUsd } from "../chat/cost.ts";
import {
  type Ask,
  guarded,
  never,
  question,
  scriptedBatches,
  scriptedChat,
  slow,
  yes,
} from "../chat/guard.test-help.ts";
import type { ChatAnswer, ChatBatches } from "../chat.ts";
import { Fault } from "../errors.ts";
import { createMeter } from "./meter.ts";
import { openPurse } from "./purse.ts";

const model = "test/m";
const price = { inputUsd: 0, outputUsd: 1000, imageTokens: 1 };
const WORST = worstUsd(question, price);
const cheap: ChatAnswer = { ...yes, usd: WORST / 10 };

function setUp(maxUsd: number | undefined, ask: Ask, batches?: ChatBatches) {
  const meter = createMeter();
  const purse = openPurse(meter, maxUsd);
  onTestFinished(purse.close);
  const { chat, asked } = scriptedChat(ask, { price, ...(batches && { batches }) });
  return { meter, purse, asked, chat: purse.before(chat) };
}
const tries = (count: number, call: () => Promise<unknown>) =>
  Promise.allSettled(Array.from({ length: count }, () => call()));

test("no more calls go out at once than the money can pay at worst; what they left is there again", async () => {
  const { chat, meter, purse, asked } = setUp(10.5 * WORST, slow(20, cheap));
  const ends = await tries(64, () => chat.ask(question, never));
  expect([asked.length, meter.requests]).toEqual([10, 10]);
  const refused = ends.find((end) => end.status === "rejected")!;
  expect([refused.reason.code, purse.refused(refused.reason)]).toEqual(["CHAT_OVER_BUDGET", true]);
  expect([meter.usd, purse.freeUsd()]).toEqual([expect.closeTo(WORST, 9), expect.closeTo(9.5 * WORST, 6)]);
  await tries(9, () => chat.ask(question, never));
  expect(meter.usd).toBeCloseTo(1.9 * WORST, 9);
});

test.each([
  ["no answer in time", new Fault("CHAT_TIMEOUT", { model, afterMs: 1 }), 1, 1],
  ["a connection that broke", new Fault("CHAT_UNREACHABLE", { model, reason: "ECONNRESET", sent: true }), 1, 1],
  ["an answer that cannot be read", new Fault("CHAT_GARBLED", { model, reason: "" }), 1, 1],
  ["a server that refuses", new Fault("CHAT_REFUSED", { model, status: 400, reason: "" }), 0, 1],
  ["a server that is not there", new Fault("CHAT_UNREACHABLE", { model, reason: "ECONNREFUSED", sent: false }), 0, 0],
])("%s counts as it may be billed", async (_, fault, worsts, requests) => {
  const { chat, meter } = setUp(undefined, () => Promise.reject(fault));
  await expect(chat.ask(question, never)).rejects.toBe(fault);
  expect([meter.usd, meter.requests]).toEqual([worsts * WORST, requests]);
});

test("a guard's retries are seen, and one that cannot be paid gives the guard's own money back", async () => {
  const { chat, meter, asked } = setUp(2.5 * WORST, () =>
    Promise.reject(new Fault("CHAT_TIMEOUT", { model, afterMs: 1 })),
  );
  const budget = { usdPerDay: 100, file: ":memory:" };
  const { guard } = guarded(chat, { attempts: 5, backoffMs: 1, budget });
  await expect(guard.ask(question, never)).rejects.toMatchObject({ code: "CHAT_OVER_BUDGET" });
  expect([asked.length, meter.requests, meter.usd]).toEqual([2, 2, 2 * WORST]);
  expect(guard.figures()).toMatchObject({ budgetLeftUsd: expect.closeTo(100 - 2 * WORST, 6), circuitOpen: 0 });
});

/** Two requests, of which one fails and may have been paid for. */
const inner = scriptedBatches({
  fetch: async () =>
    new Map<string, ChatAnswer | Fault>([
      ["a", cheap],
      ["b", new Fault("CHAT_GARBLED", { model, reason: "" })],
    ]),
});

test("batches are kept to it too, and what an earlier run began counts once it is read", async () => {
  const requests = new Map([
    ["a", question],
    ["b", question],
  ]);
  const { chat, meter, purse } = setUp(3.5 * WORST, async () => cheap, inner);
  const batches = chat.batches!;
  await batches.begin("n", requests, never);
  expect([batches.leftUsd!(), meter.usd]).toEqual([expect.closeTo(1.5 * WORST, 6), 0]);
  await expect(batches.begin("m", requests, never)).rejects.toMatchObject({ code: "CHAT_OVER_BUDGET" });
  await batches.fetch({ name: "n", id: "batch_1", size: 2 }, requests, never);
  expect([purse.freeUsd(), meter.usd]).toEqual([expect.closeTo(2.4 * WORST, 6), expect.closeTo(1.1 * WORST, 9)]);
  await batches.fetch({ name: "earlier", id: "batch_0", size: 2 }, requests, never);
  expect([purse.freeUsd(), meter.usd]).toEqual([expect.closeTo(1.3 * WORST, 6), expect.closeTo(2.2 * WORST, 9)]);
});

test("a batch of which not all is known any more counts as what is known, and one begun here keeps its worst", async () => {
  const { chat, meter, purse } = setUp(10 * WORST, async () => cheap, inner);
  const known = new Map([["a", question]]);
  await chat.batches!.fetch({ name: "earlier", id: "batch_0", size: 2 }, known, never);
  expect([meter.usd, purse.freeUsd()]).toEqual([expect.closeTo(0.1 * WORST, 9), expect.closeTo(9.9 * WORST, 6)]);
  await chat.batches!.begin("n", new Map([...known, ["b", question]]), never);
  await chat.batches!.fetch({ name: "n", id: "batch_1", size: 2 }, known, never);
  expect([meter.usd, purse.freeUsd()]).toEqual([expect.closeTo(0.2 * WORST, 9), expect.closeTo(7.9 * WORST, 6)]);
});
