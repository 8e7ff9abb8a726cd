import fc from "fast-check";
import { expect, test } from "vitest";
import { createQueue, type Job } from "./queue.ts";

const job = (size: number, retried = false): Job => ({
  work: { rows: [], words: 0 },
  size,
  resolve: () => {},
  retried,
});

const near = { batch: 8, padding: 10 };

test("takes jobs of like length, the oldest among them", () => {
  const queue = createQueue();
  const jobs = [50, 3, 51, 4, 49, 5, 52, 6].map((size) => job(size));
  for (const one of jobs) queue.add(one);
  const taken = queue.take(3, near).map(({ size }) => size);
  expect(taken).toContain(50);
  expect(Math.min(...taken)).toBeGreaterThanOrEqual(49);
  expect(queue.length).toBe(5);
});

test("takes groups of like length, the oldest first, where another would only add padding", () => {
  const queue = createQueue();
  for (const size of [20, 60, 21, 40, 22, 61]) queue.add(job(size));
  const taken = [3, 2].map((count) => queue.take(count, { batch: 8, padding: 4 }).map(({ size }) => size));
  expect(taken).toEqual([
    [20, 21, 22],
    [60, 61],
  ]);
});

test("a job that was in a lost process comes first, and alone", () => {
  const queue = createQueue();
  queue.add(job(1));
  queue.putBack([job(2, true), job(3, true)]);
  expect([1, 2, 3].map(() => queue.take(8, near).map(({ size }) => size))).toEqual([[2], [3], [1]]);
});

test("a long job is taken alone, wherever it stands", () => {
  const queue = createQueue();
  for (const size of [1, 2, 5_000, 3]) queue.add(job(size));
  expect([1, 2].map(() => queue.take(8, near).map(({ size }) => size))).toEqual([[1, 2, 3], [5_000]]);
});

test("gives every job exactly once, the oldest no later than its turn", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(100), fc.constant(5_000)), { maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(0, 4, Number.POSITIVE_INFINITY),
      (sizes, count, padding) => {
        const queue = createQueue();
        const jobs = sizes.map((size) => job(size));
        for (const one of jobs) queue.add(one);
        const seen: Job[] = [];
        while (queue.length > 0) {
          const oldest = jobs.find((one) => !seen.includes(one))!;
          const taken = queue.take(count, { batch: 3, padding });
          expect(taken).toContain(oldest);
          expect(taken.length).toBeLessThanOrEqual(count);
          seen.push(...taken);
        }
        expect(new Set(seen).size).toBe(sizes.length);
        expect(seen.length).toBe(sizes.length);
      },
    ),
  );
});

test("forgets jobs of a call that ended", () => {
  const queue = createQueue();
  const [a, b, c] = [job(1), job(2), job(3)];
  for (const one of [a, b, c]) queue.add(one);
  queue.remove(new Set([a, c]));
  expect(queue.drain()).toEqual([b]);
});
