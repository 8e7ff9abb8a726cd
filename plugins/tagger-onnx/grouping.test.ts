import fc from "fast-check";
import { expect, test } from "vitest";
import { endsOfRuns, groupingOf } from "./grouping.ts";

test("rows of like length run together, up to the batch", () => {
  const lengths = [20, 20, 21, 40, 40, 40, 60];
  expect(endsOfRuns(lengths, { batch: 8, padding: 4 })).toEqual([3, 6, 7]);
  expect(endsOfRuns(lengths, { batch: 2, padding: 4 })).toEqual([2, 3, 5, 6, 7]);
  expect(endsOfRuns(lengths, { batch: 8, padding: Number.POSITIVE_INFINITY })).toEqual([7]);
});

test("every row is in one run, and no run is longer than the batch", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100)), fc.integer({ min: 1, max: 9 }), fc.nat(9), (list, batch, padding) => {
      const ends = endsOfRuns(
        list.toSorted((a, b) => a - b),
        { batch, padding },
      );
      expect(ends.at(-1) ?? 0).toBe(list.length);
      for (const [i, end] of ends.entries()) {
        const size = end - (ends[i - 1] ?? 0);
        expect(size).toBeGreaterThan(0);
        expect(size).toBeLessThanOrEqual(batch);
      }
    }),
  );
});

test("padding is dear on a CPU alone", () => {
  expect(groupingOf({ provider: "cpu", batch: 8 }).padding).toBeLessThan(10);
  expect(groupingOf({ provider: "cuda", batch: 64 }).padding).toBe(Number.POSITIVE_INFINITY);
});
