import { describe, expect, test } from "vitest";
import type { Chat, ChatAnswer, ChatBatches, ChatBatchId, ChatBatchState, ChatRequest } from "../chat.ts";
import { Fault } from "../errors.ts";
import { worstUsd } from "./cost.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { guarded, never, question, scriptedBatches, scriptedChat, yes } from "./guard.test-help.ts";

const model = "test/m";
const price = { inputUsd: 2, outputUsd: 8, imageTokens: 1000 };
const half = { inputUsd: 1, outputUsd: 4, imageTokens: 1000 };
const worst = worstUsd(question, half);
const requests = new Map<string, ChatRequest>([
  ["a", question],
  ["b", { ...question, maxTokens: 100, temperature: 1 }],
]);
const batch = { name: "n", id: "batch_1" };

function setUp(batches: Partial<ChatBatches>, usdPerDay = 1) {
  const inner = scriptedBatches({ price: half, ...batches });
  const chat: Chat = { ...scriptedChat(undefined, { price }).chat, batches: inner };
  const rig = guarded(chat, {
    budget: { usdPerDay, file: ":memory:" },
    cache: { memoryMb: 1, maxAgeMs: 1e6, fileMb: 1 },
  });
  return { ...rig, chat, batches: rig.guard.batches!, left: () => rig.guard.figures().budgetLeftUsd! };
}

describe("a guard's batches", () => {
  test("put the worst cost of all requests aside, and book the true one when the answers are there", async () => {
    const { batches, left, counted } = setUp({});
    await batches.begin("n", requests, never);
    expect(left()).toBeCloseTo(1 - 2 * worst, 9);
    await batches.fetch(batch, requests, never);
    await batches.fetch(batch, requests, never);
    expect(left()).toBeCloseTo(1 - 2 * yes.usd, 9);
    expect(counted.get("usd")).toBeGreaterThan(0);
  });

  test("are not begun where the day's budget has less", async () => {
    let begun = 0;
    const { batches, left } = setUp({ begin: async () => `batch_${++begun}` }, 1.5 * worst);
    await expect(batches.begin("n", requests, never)).rejects.toMatchObject({ code: "CHAT_OVER_BUDGET" });
    expect([begun, left()]).toEqual([0, expect.closeTo(1.5 * worst, 8)]);
    expect(batches.leftUsd!()).toBe(left());
  });

  test.each([
    ["refuses", new Fault("CHAT_REFUSED", { model, status: 400, reason: "" }), 0],
    ["has no batches", new Fault("CHAT_NO_BATCHES", { model, reason: "404" }), 0],
    ["cannot be reached", new Fault("CHAT_UNREACHABLE", { model, reason: "ECONNREFUSED", sent: false }), 0],
    ["fails", new Fault("CHAT_FAILED", { model, status: 500, reason: "" }), 2 * worst],
    ["does not answer in time", new Fault("CHAT_TIMEOUT", { model, afterMs: 1 }), 2 * worst],
  ])("a server that %s at the beginning: money is given back where nothing can have begun", async (_, fault, kept) => {
    const { batches, left } = setUp({ begin: () => Promise.reject(fault) });
    await expect(batches.begin("n", requests, never)).rejects.toBe(fault);
    expect(left()).toBeCloseTo(1 - kept, 9);
    expect(await batches.find("n", never)).toBeUndefined();
    expect(left(), "it may begin yet").toBeCloseTo(1 - kept, 9);
    batches.forget!("n");
    expect(left(), "it turns out that it never began").toBe(1);
  });

  test("what failed counts as a single call would: in full unless it surely cost nothing", async () => {
    const faults = {
      refused: new Fault("CHAT_REFUSED", { model, status: 400, reason: "" }),
      ended: new Fault("CHAT_BATCH_ENDED", { model, batch: "b", status: "expired", reason: "" }),
      garbled: new Fault("CHAT_GARBLED", { model, reason: "" }),
    };
    const of = async (a: Fault, known: ReadonlyMap<string, ChatRequest>) => {
      const { batches, left } = setUp({
        fetch: async () =>
          new Map<string, ChatAnswer | Fault>([
            ["a", a],
            ["b", yes],
          ]),
      });
      await batches.begin("n", requests, never);
      await batches.fetch(batch, known, never);
      return 1 - left();
    };
    expect(await of(faults.refused, requests)).toBeCloseTo(yes.usd, 9);
    expect(await of(faults.ended, requests)).toBeCloseTo(yes.usd, 9);
    expect(await of(faults.garbled, requests)).toBeCloseTo(yes.usd + worst, 9);
    // Nobody knows what it was: all that was put aside stays spent.
    expect(await of(faults.garbled, new Map())).toBeCloseTo(2 * worst, 9);
  });

  const states: Record<string, ChatBatchState> = {
    all: { status: "completed", reason: "", done: 2, total: 2 },
    none: { status: "cancelled", reason: "", done: 0, total: 2 },
    one: { status: "expired", reason: "", done: 1, total: 2 },
    silent: { status: "cancelled", reason: "", done: 0, total: 0 },
    failed: { status: "failed", reason: "", done: 0, total: 0 },
    waiting: { status: "waiting", reason: "", done: 1, total: 2 },
  };
  const ended = new Fault("CHAT_BATCH_ENDED", { model, batch: "b", status: "expired", reason: "" });
  test.each([
    ["of one that ran whole: in full", "all", [], 2 * worst],
    ["of half of one that ran whole: that half in full", "all", ["a"], yes.usd + worst],
    ["of one that the server never ran: nothing", "none", [], 0],
    ["of one that ran half: as many as ran", "one", [], worst],
    ["of one whose half has a line: nothing for the rest", "one", ["a"], yes.usd],
    ["where the server does not say what ran: in full", "silent", ["a"], yes.usd + worst],
    ["of one whose file was not taken: nothing", "failed", [], 0],
    ["of one that has not ended: all stays put aside", "waiting", ["a"], 2 * worst],
  ] as const)("lines that are missing %s", async (_, state, keys, spent) => {
    const { batches, left } = setUp({
      look: async () => states[state]!,
      fetch: async () => new Map(keys.map((key) => [key, yes])),
    });
    await batches.begin("n", requests, never);
    await batches.fetch({ ...batch, size: 2 }, requests, never);
    expect(left()).toBeCloseTo(1 - spent, 9);
  });

  test("missing lines of requests that nobody knows any more: what was put aside stays spent", async () => {
    const of = async (came: ReadonlyMap<string, ChatAnswer | Fault>, id: ChatBatchId, state = states.all!) => {
      const { batches, left } = setUp({ look: async () => state, fetch: async () => came });
      await batches.begin("n", requests, never);
      await batches.fetch(id, new Map([["a", question]]), never);
      return 1 - left();
    };
    const [none, both] = [
      new Map(),
      new Map<string, ChatAnswer | Fault>([
        ["a", yes],
        ["b", ended],
      ]),
    ];
    expect(await of(none, batch)).toBeCloseTo(2 * worst, 9);
    expect(await of(none, { ...batch, size: 2 }, states.silent)).toBeCloseTo(2 * worst, 9);
    expect(await of(none, batch, states.silent), "neither tells how many there were").toBeCloseTo(2 * worst, 9);
    expect(await of(none, { ...batch, size: 2 }, states.none)).toBe(0);
    expect(await of(both, { ...batch, size: 2 })).toBeCloseTo(yes.usd, 9);
  });

  test("answers go into the cache, but for those that another time may be others", async () => {
    const { batches, guard } = setUp({});
    expect(guard.known!(question)).toBeUndefined();
    await batches.fetch(batch, requests, never);
    expect(guard.known!(question)).toEqual({ ...yes, usd: 0, cached: true });
    expect(guard.known!(requests.get("b")!)).toBeUndefined();
    expect(await guard.ask(question, never)).toMatchObject({ cached: true });
  });

  test("are absent where the model has none; keys of a guard are those of its model", () => {
    const { chat } = scriptedChat();
    expect(guarded(chat).guard.batches).toBeUndefined();
    expect(fingerprintOf(guarded(chat).guard, question)).toBe(fingerprintOf(chat, question));
  });
});
