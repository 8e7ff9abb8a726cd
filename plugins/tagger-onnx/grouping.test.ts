import fc from "fast-check";
import { expect, test } from "vitest";
import { costOfRun, endsOfRuns, type Grouping, groupingOf } from "./grouping.ts";

test("rows of like length run together, up to the batch", () => {
  const lengths = [20, 20, 21, 40, 40, 40, 60];
  expect(endsOfRuns(lengths, { batch: 8, overhead: 6 })).toEqual([3, 6, 7]);
  expect(endsOfRuns(lengths, { batch: 2, overhead: 6 })).toEqual([2, 3, 4, 6, 7]);
  expect(endsOfRuns(lengths, { batch: 8, overhead: 4_096 })).toEqual([7]);
});

const sorted = fc.array(fc.nat(100), { maxLength: 8 }).map((list) => list.toSorted((a, b) => a - b));
const groupings = fc.record({ batch: fc.integer({ min: 1, max: 5 }), overhead: fc.nat(50) });

test("every row is in one run, no run is longer than the batch, and no other parting costs less", () => {
  fc.assert(
    fc.property(sorted, groupings, (lengths, grouping) => {
      const ends = endsOfRuns(lengths, grouping);
      expect(ends.at(-1) ?? 0).toBe(lengths.length);
      expect(costOf(lengths, ends, grouping)).toBe(
        Math.min(...partings(lengths.length).map((other) => costOf(lengths, other, grouping))),
      );
    }),
  );
});

/** Infinite where a run is longer than the batch. */
const costOf = (lengths: readonly number[], ends: readonly number[], grouping: Grouping): number =>
  ends.reduce((sum, end, i) => {
    const rows = end - (ends[i - 1] ?? 0);
    return sum + (rows <= grouping.batch ? costOfRun(rows, lengths[end - 1]!, grouping) : Number.POSITIVE_INFINITY);
  }, 0);

/** All ways to part `count` rows into runs. */
const partings = (count: number): number[][] =>
  count === 0
    ? [[]]
    : Array.from({ length: count }, (_, last) => partings(last).map((ends) => [...ends, count])).flat();

test("padding is dear on a CPU alone", () => {
  expect(groupingOf({ provider: "cpu", batch: 8 }).overhead).toBeLessThan(10);
  expect(groupingOf({ provider: "cuda", batch: 64 }).overhead).toBeGreaterThan(1_000);
});
