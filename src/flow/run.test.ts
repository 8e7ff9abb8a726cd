import { expect, test, vi } from "vitest";
import { fail, ok, pass } from "../outcome.ts";
import type { Source, Stage } from "../plugin.ts";
import { delivered, postOf } from "./in-memory.ts";
import { counting, deadOf, eventsOf, never, onVirtualTime, sleep, stageOf, start, taking } from "./run.test-help.ts";

onVirtualTime();

test("what quick answers waits for no batch", async () => {
  const stage: Stage = {
    quick: ({ post }) => (post.id === "p0" ? undefined : pass("quick")),
    run: taking(50),
  };
  const run = start(3, [stageOf("s", stage)]);
  await vi.advanceTimersByTimeAsync(10);
  expect(eventsOf(run).map(({ postId }) => postId)).toEqual(["p1", "p2"]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(eventsOf(run)).toHaveLength(3);
});

test("batches close by count, by cost, and when their first post waited long enough", async () => {
  const sizes: number[] = [];
  const count: Stage["run"] = counting(sizes);
  const byCount = start(10, [stageOf("s", count, { concurrency: 9 })], { source: trickle(10) });
  await vi.advanceTimersByTimeAsync(9);
  expect(sizes).toEqual([4, 4]);
  await vi.advanceTimersByTimeAsync(5);
  expect(sizes).toEqual([4, 4, 2]);
  await vi.runAllTimersAsync();
  await byCount.done;

  sizes.length = 0;
  const text = (postOf(0) as { value: { text: string } }).value.text.length;
  const byCost = start(6, [stageOf("s", count, { batch: 99, cost: 2 * text, concurrency: 9 })]);
  await vi.runAllTimersAsync();
  await byCost.done;
  expect(sizes).toEqual([2, 2, 2]);
});

test("while every slot is busy a batch goes on filling", async () => {
  const sizes: number[] = [];
  const slow: Stage["run"] = counting(sizes, 50);
  const run = start(trickle(9), [stageOf("s", slow, { waitMs: 0, batch: 8 })]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(sizes).toEqual([1, 8]);
});

test("tells how old the oldest post in flight is, whichever way posts leave", async () => {
  const answers = (batch: readonly { readonly post: { readonly id: string } }[]) =>
    batch.map(({ post }) => (post.id === "p1" ? fail(new Error("bad")) : ok({})));
  const stage: Stage["run"] = async (batch) => {
    await sleep(batch[0]!.post.id === "p0" ? 3000 : 1000);
    return answers(batch);
  };
  const run = start(trickle(3), [stageOf("s", stage, { batch: 1, concurrency: 3, timeoutMs: 9000 })]);
  expect(run.live.oldestSeconds).toBe(0);
  await vi.advanceTimersByTimeAsync(2500);
  expect(deadOf(run)).toHaveLength(1);
  expect([run.live.inFlight, run.live.oldestSeconds]).toEqual([1, 2.5]);
  await vi.runAllTimersAsync();
  await run.done;
  expect([run.live.inFlight, run.live.oldestSeconds]).toEqual([0, 0]);
});

/** One post a millisecond, then silence for a while. */
function trickle(posts: number): Source {
  return {
    async *read() {
      for (let i = 0; i < posts; i++) {
        yield [delivered(postOf(i), i)];
        await sleep(1);
      }
      await sleep(500);
    },
  };
}

test("an abort ends reading, finishes what was read, and leaves the rest in the input", async () => {
  const run = start(50, [stageOf("s", taking(20))], { window: 8 });
  await vi.advanceTimersByTimeAsync(10);
  run.stop.abort();
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ read: 8, emitted: 8 });
  expect(run.settled).toHaveLength(8);
});

test("an abort ends a run whose source never answers", async () => {
  const silent: Source = { read: () => ({ [Symbol.asyncIterator]: () => ({ next: () => never }) }) };
  const run = start(silent, []);
  await vi.advanceTimersByTimeAsync(10);
  run.stop.abort();
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ read: 0, emitted: 0 });
});

test("posts that the source no longer owns leave without an event and without being settled", async () => {
  const revoked = new AbortController();
  const settled: number[] = [];
  const deliveries = [0, 1].map((i) => ({
    ...delivered(postOf(i), i, (index) => void settled.push(index)),
    ...(i === 0 && { revoked: revoked.signal }),
  }));
  const run = start(deliveries, [stageOf("s", taking(20))]);
  await vi.advanceTimersByTimeAsync(10);
  revoked.abort();
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ read: 2, emitted: 1, revoked: 1 });
  expect(settled).toEqual([1]);
});
