import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { worstUsd } from "../chat/cost.ts";
import { guarded, scriptedChat, yes } from "../chat/guard.test-help.ts";
import type { Chat, ChatBatches, ChatRequest } from "../chat.ts";
import { Fault } from "../errors.ts";
import { type BatchLog, openBatchLog } from "./batch-log.ts";
import { createMeter } from "./meter.ts";
import { openPurse } from "./purse.ts";
import { createQuestions } from "./questions.ts";

const live = new AbortController().signal;
const price = { inputUsd: 0, outputUsd: 1000, imageTokens: 0 };
const ask = (text: string): ChatRequest => ({ messages: [{ role: "user", text }], maxTokens: 100 });
const WORST = worstUsd(ask(""), price);
/** Of the worst: what an answer costs. */
const SHARE = 0.5;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-questions-"));
});

interface Options {
  readonly maxUsd?: number;
  /** Of a budget that all models share. */
  readonly usdPerDay?: number;
  readonly more?: Partial<ChatBatches>;
}

/** Models of one name behind a guard each, as a captioner's and an LLM's may be. */
async function setUp(names: readonly string[], { maxUsd, usdPerDay, more }: Options = {}) {
  const meter = createMeter();
  const log = await openBatchLog(join(folder, "k.batches"));
  onTestFinished(() => log.close({ done: false }).catch(() => {}));
  const told = { longestMs: 1, say: () => {} };
  const questions = createQuestions(meter, { mode: "always", log, told });
  const purse = openPurse(meter, maxUsd);
  const begun: { readonly by: string; readonly size: number; readonly worst: number }[] = [];
  const chats = names.map((name) => {
    const batches: ChatBatches = {
      maxRequests: 100,
      maxBytes: 1e6,
      bytesOf: () => 1,
      async begin(_, requests) {
        begun.push({ by: name, size: requests.size, worst: requests.size * WORST });
        return `batch_${begun.length}`;
      },
      find: async () => undefined,
      look: async () => ({ status: "completed", reason: "", done: 0, total: 0 }),
      fetch: async (_, requests) => new Map([...requests.keys()].map((key) => [key, { ...yes, usd: SHARE * WORST }])),
      ...more,
    };
    const chat: Chat = purse.before(scriptedChat(undefined, { price, batches }).chat);
    const budget = { usdPerDay: usdPerDay ?? 1000, file: join(folder, "spend.db") };
    const { guard } = guarded(chat, { budget });
    return { name, guard, ...questions.of(name, guard, (request) => chat.ask(request, live)) };
  });
  /** All models are asked so many questions until no question waits; the codes of those that are left. */
  const all = async (count: number) => {
    for (let round = 0; round < 50; round++) {
      const codes: string[] = [];
      for (const { name, ask: put } of chats)
        for (let i = 0; i < count; i++)
          await put(ask(`${name} ${i}`), live).catch((error) => codes.push(`${name} ${error.code}`));
      if (!questions.waiting) return codes;
      await questions.answer(live);
    }
    throw new Error("it never ends");
  };
  return { questions, log, meter, begun, chats, all, left: () => chats[0]!.guard.figures().budgetLeftUsd! };
}

test("--max-usd holds where two models are asked: the second batch takes what the first one left", async () => {
  const maxUsd = 10.5 * WORST;
  const { all, begun, meter } = await setUp(["eyes", "llm"], { maxUsd });
  const codes = await all(10);
  expect(begun[0]).toMatchObject({ by: "eyes", size: 10 });
  expect(begun[1]).toMatchObject({ by: "llm", size: 5 });
  let spent = 0;
  for (const { worst } of begun) {
    expect(spent + worst).toBeLessThanOrEqual(maxUsd);
    spent += SHARE * worst;
  }
  expect(meter.usd).toBeLessThanOrEqual(maxUsd);
  expect(new Set(codes)).toEqual(new Set(["llm CHAT_OVER_BUDGET"]));
});

test("two guards on one budget: a smaller batch follows, and nothing ends the run", async () => {
  const { all, begun, left } = await setUp(["eyes", "llm"], { usdPerDay: 15.5 * WORST });
  expect(await all(10)).toEqual([]);
  expect(begun.map(({ size }) => size)).toEqual([10, 10]);
  expect(left()).toBeCloseTo(5.5 * WORST, 6);
  const tight = await setUp(["more", "most"], { usdPerDay: 15.5 * WORST });
  await tight.all(5);
  expect(tight.begun.map(({ size }) => size)).toEqual([5, 2, 1, 1]);
});

test("a budget that another process spends from meanwhile: fewer are sent the next time", async () => {
  const { questions, chats, begun } = await setUp(["llm"], { usdPerDay: 10.5 * WORST });
  const [{ ask: put, guard }] = chats as [(typeof chats)[0]];
  const { leftUsd } = guard.batches!;
  const other = await setUp(["other"], { usdPerDay: 10.5 * WORST });
  for (let i = 0; i < 10; i++) await put(ask(`llm ${i}`), live).catch(() => {});
  await other.chats[0]!.guard.batches!.begin("b", new Map([["a", ask("a")]]), live);
  expect(leftUsd!()).toBeCloseTo(9.5 * WORST, 6);
  await questions.answer(live);
  expect(begun.map(({ size }) => size)).toEqual([9]);
});

test("a batch that the budget refuses all the same is tried anew, and not for ever", async () => {
  const refusing = async (times: number) => {
    const rig = await setUp(["llm"], { usdPerDay: 100 * WORST });
    const { batches } = rig.chats[0]!.guard as Required<Chat>;
    const { begin } = batches;
    let left = times;
    Object.assign(batches, {
      begin: async (...args: Parameters<typeof begin>) => {
        if (left-- > 0) throw new Fault("CHAT_OVER_BUDGET", { model: "test/m", usd: 1, leftUsd: 0 });
        return begin(...args);
      },
    });
    return rig;
  };
  const twice = await refusing(2);
  expect(await twice.all(3)).toEqual([]);
  expect(twice.begun.map(({ size }) => size)).toEqual([3]);
  await twice.log.close({ done: true });
  const always = await refusing(100);
  await expect(always.all(3)).rejects.toMatchObject({ code: "CHAT_OVER_BUDGET" });
  expect(always.log.open()).toEqual([]);
});

test("a batch of an earlier run goes on with the resource that began it, and its money is set right", async () => {
  const { all, begun, log, left } = await setUp(["eyes", "llm"], {
    more: { look: async () => Promise.reject(new Error("killed")) },
  });
  await expect(all(2)).rejects.toThrow("killed");
  expect([begun.length, log.open()[0]]).toEqual([1, expect.objectContaining({ resource: "eyes" })]);
  await log.close({ done: false });
  expect(left()).toBeCloseTo(1000 - 2 * WORST, 6);

  // The other one comes first in this config, and has a budget of its own by its guard.
  const released: string[] = [];
  const again = await setUp(["llm", "eyes"]);
  for (const { name, guard } of again.chats) {
    const { fetch } = guard.batches!;
    Object.assign(guard.batches!, {
      fetch: (...args: Parameters<typeof fetch>) => {
        released.push(name);
        return fetch(...args);
      },
    });
  }
  expect(await again.all(2)).toEqual([]);
  expect(released).toEqual(["eyes", "llm"]);
  expect(left()).toBeCloseTo(1000 - 4 * SHARE * WORST, 6);

  const gone = await setUp(["eyes"], { more: { look: async () => Promise.reject(new Error("killed")) } });
  await expect(gone.all(3)).rejects.toThrow("killed");
  await gone.log.close({ done: false });
  const renamed = await setUp(["llm"]);
  await expect(renamed.all(1)).rejects.toThrow('begun by the resource "eyes", which no stage of the config asks');
});

test("what is answered, under way, or failed for good is known without asking", async () => {
  const first = await setUp(["llm"]);
  await first.all(1);
  await first.log.close({ done: false });
  const second = await setUp(["llm"], { more: { look: async () => Promise.reject(new Error("killed")) } });
  await expect(second.all(2)).rejects.toThrow("killed");
  await second.log.close({ done: false });
  const { chats } = await setUp(["llm"]);
  const [{ look }] = chats as [(typeof chats)[0]];
  expect([look(ask("llm 0")), look(ask("llm 1")), look(ask("llm 2"))]).toEqual([
    expect.objectContaining({ text: "yes" }),
    "settled",
    undefined,
  ]);
});

test("what the guard of a model without batches has is known too", async () => {
  const log = { file: "k", results: new Map(), open: () => [] } as unknown as BatchLog;
  const questions = createQuestions(createMeter(), { mode: "auto", log, told: { longestMs: 1, say() {} } });
  const known = { ...yes, usd: 0, cached: true };
  const { chat } = scriptedChat(undefined, { known: ({ messages: [one] }) => (one!.text === "a" ? known : undefined) });
  const { look } = questions.of("llm", chat, (request) => chat.ask(request, live));
  expect([look(ask("a")), look(ask("b"))]).toEqual([known, undefined]);
});

test("once closed it tells what is known, and puts nothing down", async () => {
  const { questions, chats, all, begun } = await setUp(["llm"]);
  await all(1);
  questions.close();
  const [{ ask: put }] = chats as [(typeof chats)[0]];
  expect(await put(ask("llm 0"), live)).toMatchObject({ text: "yes" });
  await expect(put(ask("llm 1"), live)).rejects.toMatchObject({ code: "CHAT_BATCHED" });
  await questions.answer(live);
  expect(begun.length).toBe(1);
});
