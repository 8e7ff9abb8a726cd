import { expect, test, vi } from "vitest";
import type { Sink } from "../plugin.ts";
import { memorySink } from "./in-memory.ts";
import type { Letter } from "./letter.ts";
import { plainExits } from "./plain-exits.ts";
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

/** Post n is done after n times 10 milliseconds; all run at once. */
const together = stageOf(
  "s",
  async ([one]) => {
    await sleep(10 * Number(one!.post.id.slice(1)));
    return [{ kind: "ok", value: {} }];
  },
  { batch: 1, concurrency: 64, timeoutMs: 10_000 },
);
/** Each takes 10 milliseconds, and the others wait. */
const oneByOne = stageOf(
  "s",
  async () => {
    await sleep(10);
    return [{ kind: "ok", value: {} }];
  },
  { batch: 1, concurrency: 1, timeoutMs: 10_000 },
);

async function writesOf(stage: typeof together, posts: number, window: number, gatherMs?: number) {
  const { sink, writes } = noting(gatherMs);
  const began = performance.now();
  const run = start(posts, [stage], { sink, window });
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ emitted: posts });
  expect(writes.reduce((sum, [, records]) => sum + records, 0)).toBe(posts);
  return writes.map(([at, records]) => [Math.round(at - began), records]);
}

test("records are written as they come where the sink asks for nothing else", async () => {
  expect(await writesOf(together, 5, 5)).toEqual([0, 10, 20, 30, 40].map((at) => [at, 1]));
});

test("records gather while the window is full and posts wait for the stage, shorter as it empties", async () => {
  const writes = await writesOf(oneByOne, 64, 32, 60);
  // Five times the window is filled again; then 28 posts are left, 23, and 20.
  expect(writes.slice(0, 9)).toEqual([
    ...[70, 130, 190, 250, 310, 370].map((at) => [at, 6]),
    [415, 5],
    [446, 3],
    [465, 2],
  ]);
  expect(writes.slice(-14)).toEqual(Array.from({ length: 14 }, (_, i) => [510 + 10 * i, 1]));
});

test("they stop waiting once they are a quarter of the posts under way", async () => {
  expect((await writesOf(oneByOne, 100, 30, 1000)).slice(0, 3)).toEqual([
    [80, 8],
    [160, 8],
    [240, 8],
  ]);
});

test("where no post waits for the stage they wait briefly", async () => {
  expect((await writesOf(together, 32, 32, 60)).slice(0, 3)).toEqual([
    [10, 2],
    [30, 2],
    [50, 2],
  ]);
});

test("no record waits in a small window, nor in one that is not half full", async () => {
  expect(await writesOf(together, 3, 1, 25)).toHaveLength(3);
  expect(await writesOf(together, 7, 7, 60)).toEqual([0, 10, 20, 30, 40, 50, 60].map((at) => [at, 1]));
  expect(await writesOf(oneByOne, 16, 64, 25)).toHaveLength(16);
});

test("a draft does not wait, and takes along who does", async () => {
  const { sink, writes } = noting(60);
  const events = { written() {}, refused() {}, passed() {}, revoked() {}, failed() {}, rested() {} };
  const exits = plainExits({ sink, deadLetters: sink }, new AbortController().signal, { ...events, patience: () => 1 });
  const began = performance.now();
  const letter = (final: boolean) => ({ record: { schema: "starling.entities/1" }, final }) as unknown as Letter;
  exits.push(letter(true));
  await vi.advanceTimersByTimeAsync(20);
  exits.push(letter(false));
  await vi.advanceTimersByTimeAsync(20);
  exits.push(letter(true));
  await vi.runAllTimersAsync();
  expect(writes.map(([at, records]) => [Math.round(at - began), records])).toEqual([
    [20, 2],
    [100, 1],
  ]);
});
