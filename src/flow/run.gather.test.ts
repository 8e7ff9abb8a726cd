import { expect, test, vi } from "vitest";
import type { Sink } from "../plugin.ts";
import { memorySink } from "./in-memory.ts";
import { onVirtualTime, sleep, stageOf, start } from "./run.test-help.ts";

onVirtualTime();

/** A memory that notes how many records it got, and when. */
function noting(gatherMs?: number) {
  const writes: [ms: number, records: number][] = [];
  const { sink } = memorySink();
  const noted: Sink = {
    ...(gatherMs !== undefined && { gatherMs }),
    write(batch, signal) {
      writes.push([performance.now(), batch.length]);
      return sink.write(batch, signal);
    },
  };
  return { sink: noted, writes };
}

/** Post n is done after n times 10 milliseconds. */
const oneByOne = stageOf(
  "s",
  async ([one]) => {
    await sleep(10 * Number(one!.post.id.slice(1)));
    return [{ kind: "ok", value: {} }];
  },
  { batch: 1, concurrency: 64, timeoutMs: 10_000 },
);

async function writesOf(posts: number, window: number, gatherMs?: number) {
  const { sink, writes } = noting(gatherMs);
  const began = performance.now();
  const run = start(posts, [oneByOne], { sink, window });
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ emitted: posts });
  return writes.map(([at, records]) => [Math.round(at - began), records]);
}

test("records are written as they come where the sink asks for nothing else", async () => {
  expect(await writesOf(5, 5)).toEqual([0, 10, 20, 30, 40].map((at) => [at, 1]));
});

test("records gather for as long as the window is full, shorter as it empties, and not once it is half empty", async () => {
  const writes = await writesOf(32, 32, 40);
  expect(writes.slice(0, 4)).toEqual([
    [40, 5], // all of 32 posts are under way
    [77, 3], // 27 of them: 40 ms * (2 * 27 / 32 - 1) from 50 ms on, in whole milliseconds
    [100, 3], // 24: 20 ms
    [122, 2], // 21: 12 ms
  ]);
  expect(writes.slice(-14)).toEqual(Array.from({ length: 14 }, (_, i) => [180 + 10 * i, 1]));
  expect(writes.reduce((sum, [, records]) => sum + records!, 0)).toBe(32);
});

test("records stop waiting once they are enough", async () => {
  expect((await writesOf(30, 30, 1000)).slice(0, 2)).toEqual([
    [70, 8], // of 30 posts under way
    [130, 6], // of 22
  ]);
});

test("no record waits in a small window, nor in one that is not half full", async () => {
  expect(await writesOf(3, 1, 25)).toHaveLength(3);
  expect(await writesOf(3, 3, 25)).toEqual([0, 10, 20].map((at) => [at, 1]));
  expect(await writesOf(16, 64, 25)).toHaveLength(16);
});
