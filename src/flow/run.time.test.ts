import { expect, test, vi } from "vitest";
import { fail, type Outcome, ok } from "../outcome.ts";
import type { Stage } from "../plugin.ts";
import { deadOf, eventsOf, never, okAll, onVirtualTime, sleep, stageOf, start, taking } from "./run.test-help.ts";

onVirtualTime();

test("posts that a stage does not answer in time are lost to it, and their late answer is not heard", async () => {
  const run = start(2, [stageOf("slow", taking(150))]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(deadOf(run)).toEqual([
    ["p0", "STAGE_TIMEOUT"],
    ["p1", "STAGE_TIMEOUT"],
  ]);
  expect(eventsOf(run)).toEqual([]);
});

/** Answers p0 at once, fails p1, and leaves the others to whoever aborts: what `onAbort` makes of them. */
const untilAborted =
  (onAbort: (signal: AbortSignal) => Promise<Outcome<object>>, sizes: number[] = []): Stage["run"] =>
  async (batch, signal) => {
    sizes.push(batch.length);
    return Promise.all(
      batch.map(({ post }) => {
        if (post.id === "p0") return ok({});
        if (post.id === "p1") return fail(new Error("no"));
        return new Promise<Outcome<object>>((done) => {
          signal.addEventListener("abort", () => done(onAbort(signal)));
        });
      }),
    );
  };

test("what a stage has answered when its time is over counts; what it broke off has timed out", async () => {
  const reasons = start(3, [
    stageOf(
      "s",
      untilAborted(async ({ reason }) => fail(reason as Error)),
    ),
  ]);
  const aborts = start(4, [
    stageOf(
      "s",
      untilAborted(async () => fail(new DOMException("stopped", "AbortError"))),
    ),
  ]);
  await vi.runAllTimersAsync();
  expect(await reasons.done).toMatchObject({ emitted: 1, failed: { s: { UNEXPECTED: 1, STAGE_TIMEOUT: 1 } } });
  expect(await aborts.done).toMatchObject({ emitted: 1, failed: { s: { UNEXPECTED: 1, STAGE_TIMEOUT: 2 } } });
  expect(eventsOf(aborts).map(({ postId }) => postId)).toEqual(["p0"]);
  expect(deadOf(aborts)).toEqual([
    ["p1", "UNEXPECTED"],
    ["p2", "STAGE_TIMEOUT"],
    ["p3", "STAGE_TIMEOUT"],
  ]);
});

test("an aborted stage has a tenth of its time left to answer, and no more", async () => {
  const [inTime, late] = [9, 11].map((ms) =>
    start(3, [
      stageOf(
        "s",
        untilAborted(async () => {
          await sleep(ms);
          return ok({});
        }),
      ),
    ]),
  );
  await vi.runAllTimersAsync();
  expect(await inTime!.done).toMatchObject({ emitted: 2, failed: { s: { UNEXPECTED: 1 } } });
  expect(await late!.done).toMatchObject({ emitted: 0, failed: { s: { STAGE_TIMEOUT: 3 } } });
});

test("a batch that throws when it is aborted has timed out, and is not run again", async () => {
  const sizes: number[] = [];
  const run = start(3, [
    stageOf(
      "s",
      untilAborted(({ reason }) => Promise.reject(reason), sizes),
    ),
  ]);
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ emitted: 0, failed: { s: { STAGE_TIMEOUT: 3 } } });
  expect(sizes).toEqual([3]);
});

test("work that timed out keeps its slot until it ends", async () => {
  let running = 0;
  let most = 0;
  const run = start(12, [
    stageOf(
      "slow",
      async (batch) => {
        most = Math.max(most, ++running);
        await sleep(batch[0]!.post.id === "p0" ? 180 : 10);
        running--;
        return okAll(batch);
      },
      { concurrency: 2 },
    ),
  ]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(most).toBe(2);
  expect(deadOf(run)).toHaveLength(4);
  expect(eventsOf(run)).toHaveLength(8);
});

test("one hung run of several lets the others go on, and does not hold up the end", async () => {
  const run = start(20, [
    stageOf("hangs", async (batch) => (batch[0]!.post.id === "p0" ? never : okAll(batch)), {
      concurrency: 2,
    }),
  ]);
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ emitted: 16, deadLettered: 4 });
});

test("a stage whose every slot hangs stops the run with STAGE_STUCK; what waited is not settled", async () => {
  const run = start(12, [stageOf("hangs", () => never, { concurrency: 2 })]);
  await vi.runAllTimersAsync();
  await expect(run.done).rejects.toMatchObject({ code: "STAGE_STUCK", details: { stage: "hangs", slots: 2 } });
  expect(run.settled.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(deadOf(run)).toHaveLength(8);
});

test("the signal of a run is aborted when its time is over", async () => {
  const reasons: unknown[] = [];
  const run = start(1, [
    stageOf("hangs", (_, signal) => {
      signal.addEventListener("abort", () => reasons.push((signal.reason as { code: string }).code));
      return never;
    }),
  ]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(reasons).toEqual(["STAGE_TIMEOUT"]);
});
