import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Fault } from "../errors.ts";
import { fail, type Outcome, ok, pass } from "../outcome.ts";
import type { Delivery, Output, Sink, Source, Stage, Transacted } from "../plugin.ts";
import { delivered, memorySink, memorySource, postOf } from "./in-memory.ts";
import { runPipeline } from "./run.ts";
import type { OpenPipeline, OpenStage } from "./types.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));
const busy = () => new Fault("SERVICE_UNAVAILABLE", { service: "x", reason: "busy" });

function stageOf(run: (id: string) => Outcome<object> | Promise<Outcome<object>>): OpenStage {
  const stage: Stage = { run: (batch) => Promise.all(batch.map(({ post }) => run(post.id))) };
  const flow = { batch: 1, waitMs: 0, concurrency: 8, timeoutMs: 60_000, onFail: "divert" as const };
  return { name: "s", plugin: { name: "s", needs: [], uses: [], gives: [] }, stage, flow };
}

function start(source: Source, stages: readonly OpenStage[], more: Partial<OpenPipeline> = {}) {
  const events = memorySink();
  const dead = memorySink();
  const stop = new AbortController();
  const pipeline = { source, sink: events.sink, deadLetters: dead.sink, stages, window: 8, version: "v", ...more };
  const done = runPipeline(pipeline, { signal: stop.signal });
  done.catch(() => {});
  const offsets = (outputs: readonly Output[]) => outputs.map(({ origin }) => Number(origin.offset));
  return { done, stop, emitted: () => offsets(events.written), dead: () => dead.records() };
}

/** A source that takes posts back, and delivers them again after a while; it ends when all are settled. */
function repeating(posts: number, attempts: number) {
  const settled: number[] = [];
  const again: Delivery[] = [];
  let wake = () => {};
  const make = (origin: Delivery["origin"], index: number, attempt: number): Delivery => ({
    ...delivered(postOf(index), index, (at) => {
      settled.push(at);
      wake();
    }),
    origin,
    attempt,
    redeliver() {
      if (attempt >= attempts) return false;
      setTimeout(() => {
        again.push(make(origin, index, attempt + 1));
        wake();
      }, 50);
      return true;
    },
  });
  const source: Source = {
    async *read(signal) {
      yield Array.from({ length: posts }, (_, i) => make(delivered(postOf(i), i).origin, i, 1));
      while (!signal.aborted && settled.length < posts) {
        if (again.length > 0) yield again.splice(0);
        else
          await new Promise<void>((done) => {
            wake = done;
          });
      }
    },
  };
  return { source, settled };
}

/** Fails a post for its first `times` deliveries. */
const failing = (id: string, times: number) => {
  let left = times;
  return stageOf(async (post) => (post === id && left-- > 0 ? fail(busy()) : ok({})));
};

describe("a failure that may pass", () => {
  test("sends the post back to its source, until it goes through", async () => {
    const { source, settled } = repeating(3, 5);
    const run = start(source, [failing("p1", 2)]);
    await vi.runAllTimersAsync();
    expect(await run.done).toMatchObject({ emitted: 3, redelivered: 2, deadLettered: 0 });
    expect([run.emitted(), settled.toSorted()]).toEqual([
      [0, 2, 1],
      [0, 1, 2],
    ]);
  });

  test("ends in the dead letters once the source has had enough, with all attempts counted", async () => {
    const run = start(repeating(2, 3).source, [failing("p1", 99)]);
    await vi.runAllTimersAsync();
    expect(await run.done).toMatchObject({ emitted: 1, deadLettered: 1, redelivered: 2 });
    expect(run.dead()).toMatchObject([{ postId: "p1", code: "SERVICE_UNAVAILABLE", attempts: 3 }]);
  });

  test("keeps the order where order is wanted: the others wait", async () => {
    const run = start(repeating(4, 5).source, [failing("p1", 2)], { order: "partition" });
    await vi.runAllTimersAsync();
    await run.done;
    expect(run.emitted()).toEqual([0, 1, 2, 3]);
  });

  test("leaves the post in the input where the run is stopping, and all behind it where order is wanted", async () => {
    for (const [order, unfinished, emitted] of [
      ["none", 1, [0, 2, 3]],
      ["partition", 3, [0]],
    ] as const) {
      const { source, settled } = repeating(4, 5);
      const slow = stageOf(async (id) => {
        await sleep(id === "p1" ? 100 : 10);
        return id === "p1" ? fail(busy()) : ok({});
      });
      const run = start(source, [slow], { order });
      await vi.advanceTimersByTimeAsync(50);
      run.stop.abort();
      await vi.runAllTimersAsync();
      expect(await run.done).toMatchObject({ unfinished });
      expect(run.emitted()).toEqual(emitted);
      expect(settled.toSorted()).toEqual(emitted);
    }
  });

  test("does not send revision 0 a second time", async () => {
    const { source } = repeating(1, 5);
    const draft = { mentions: [], expected: { correct: 0, gold: 0 }, context: "text", model: "m" } as const;
    const asked: OpenStage = {
      ...stageOf(() => ok({ draft, ask: { yes: true, gain: 1, reason: "x" } })),
      name: "gate",
      plugin: { name: "gate", needs: [], uses: [], gives: ["draft", "ask"] },
    };
    const events = memorySink();
    const run = start(source, [asked, failing("p0", 1)], { sink: events.sink });
    await vi.runAllTimersAsync();
    await run.done;
    expect(events.records().map((record) => "revision" in record && record.revision)).toEqual([0, 1]);
  });
});

test("a stop waits for posts under way no longer than drainMs, and leaves the rest in the input", async () => {
  const settled: number[] = [];
  const posts = [0, 1].map((i) => delivered(postOf(i), i, (at) => void settled.push(at)));
  const endless: Source = {
    async *read(signal) {
      yield posts;
      await new Promise((done) => signal.addEventListener("abort", done));
    },
  };
  const stage = stageOf((id) => (id === "p1" ? new Promise(() => {}) : ok({})));
  const run = start(endless, [stage], { drainMs: 1000 });
  await vi.advanceTimersByTimeAsync(10);
  run.stop.abort();
  await vi.advanceTimersByTimeAsync(999);
  let ended = false;
  void run.done.then(() => {
    ended = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  expect(ended).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await run.done).toMatchObject({ emitted: 1, unfinished: 1 });
  expect(settled).toEqual([0]);
});

describe("exactly-once", () => {
  const encode: NonNullable<Sink["encode"]> = (batch) =>
    batch.map(({ record }) =>
      "postId" in record && record.postId === "p3" && "revision" in record
        ? fail(new Error("too large"))
        : ok({ key: record.key, dead: "code" in record }),
    );
  const sink: Sink = { write: () => Promise.reject(new Error("nothing is written outside transactions")), encode };

  function transacting(
    posts: number,
    transact: (posts: readonly Transacted[]) => { readonly done: number; readonly refused?: Error },
  ) {
    const settled: number[] = [];
    const log: unknown[] = [];
    const deliveries = Array.from({ length: posts }, (_, i) =>
      delivered(i === 2 ? pass("tombstone") : postOf(i), i, (at) => void settled.push(at)),
    );
    const source: Source = {
      ...memorySource([deliveries]),
      async transact(lane, given) {
        await sleep(10);
        const answer = transact(given);
        log.push({ lane, records: given.slice(0, answer.done).flatMap(({ records }) => records) });
        return answer;
      },
    };
    const records = () => (log as { records: { key: string; dead: boolean }[] }[]).flatMap((one) => one.records);
    return { source, settled, records };
  }
  const all = (posts: readonly Transacted[]) => ({ done: posts.length });
  const shuffled = stageOf(async (id) => {
    await sleep(100 - 10 * Number(id.slice(1)));
    return ok({});
  });
  const exact = { delivery: "exactly-once", sink, deadLetters: sink } as const;

  test("results wait until they are contiguous, then go in transactions, in order; each settles after its own", async () => {
    const { source, settled, records } = transacting(6, all);
    const run = start(source, [shuffled], exact);
    await vi.runAllTimersAsync();
    expect(await run.done).toMatchObject({ emitted: 4, deadLettered: 1, passed: { source: { tombstone: 1 } } });
    expect(settled).toEqual([0, 1, 2, 3, 4, 5]);
    expect(records().map(({ key, dead }) => `${key}${dead ? " dead" : ""}`)).toEqual([
      "memory:0:v",
      "memory:1:v",
      "memory:3:v dead",
      "memory:4:v",
      "memory:5:v",
    ]);
  });

  test("a record that the log refuses alone becomes a dead letter in its place", async () => {
    let refused = false;
    const { source, settled, records } = transacting(6, (posts) => {
      const at = posts.findIndex(({ records }) => (records[0] as { key?: string })?.key === "memory:4:v");
      if (at < 0 || refused) return all(posts);
      if (at > 0) return { done: at };
      refused = true;
      return { done: 0, refused: new Error("refused") };
    });
    const run = start(source, [], exact);
    await vi.runAllTimersAsync();
    expect(await run.done).toMatchObject({ emitted: 3, deadLettered: 2 });
    expect(settled).toEqual([0, 1, 2, 3, 4, 5]);
    expect(records().filter(({ dead }) => dead)).toHaveLength(2);
  });

  test("a transaction that throws ends the run, and nothing of it is settled", async () => {
    const { source, settled } = transacting(2, () => {
      throw new Error("fenced");
    });
    const run = start(source, [], exact);
    await vi.runAllTimersAsync();
    await expect(run.done).rejects.toMatchObject({ code: "SINK_FAILED", message: expect.stringContaining("fenced") });
    expect(settled).toEqual([]);
  });
});
