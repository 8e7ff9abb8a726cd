import fc from "fast-check";
import { expect, test } from "vitest";
import { createQueue, type Job, PATIENCE } from "./queue.ts";

const job = (size: number, retried = false): Job => ({
  work: { rows: [], words: 0, vector: true },
  size,
  resolve: () => {},
  retried,
});

const near = { batch: 8, overhead: 20 };

const sizes = (jobs: readonly Job[]): number[] => jobs.map(({ size }) => size);

test("takes jobs of like length together", () => {
  const queue = createQueue();
  for (const size of [50, 3, 51, 4, 49, 5, 52, 6]) queue.add(job(size));
  expect(sizes(queue.take(4, near))).toEqual([49, 50, 51, 52]);
  expect(sizes(queue.take(4, near))).toEqual([3, 4, 5, 6]);
});

test("the cheapest group for its sub-words goes first", () => {
  const queue = createQueue();
  for (const size of [20, 60, 20, 40, 20, 60, 40, 20]) queue.add(job(size));
  const groups = [1, 2, 3].map(() => sizes(queue.take(4, { batch: 4, overhead: 6 })));
  expect(groups).toEqual([
    [60, 60],
    [20, 20, 20, 20],
    [40, 40],
  ]);
});

test("of groups that cost the same the older one goes first", () => {
  const queue = createQueue();
  const [first, second, third] = [job(20), job(20), job(20)];
  queue.add(first);
  queue.add(job(60));
  queue.add(job(60));
  expect(sizes(queue.take(2, { batch: 2, overhead: 6 }))).toEqual([60, 60]);
  queue.add(second);
  queue.add(third);
  expect(queue.take(1, near)).toEqual([first]);
});

test("a job is passed over a bounded number of times, however badly it fits", () => {
  const queue = createQueue();
  const odd = job(7);
  queue.add(odd);
  let takes = 0;
  for (let taken: Job[] = []; !taken.includes(odd); takes++) {
    for (let i = 0; i < 4; i++) queue.add(job(50));
    taken = queue.take(4, near);
  }
  expect(takes).toBe(PATIENCE + 1);
});

test("a job that was in a lost process comes first, and alone", () => {
  const queue = createQueue();
  queue.add(job(1));
  queue.putBack([job(2, true), job(3, true)]);
  expect([1, 2, 3].map(() => queue.take(8, near).map(({ size }) => size))).toEqual([[2], [3], [1]]);
});

test("what was put back goes before what is cheaper", () => {
  const queue = createQueue();
  for (let i = 0; i < 8; i++) queue.add(job(60));
  queue.putBack([job(7)]);
  expect(sizes(queue.take(1, near))).toEqual([7]);
});

test("a long job is taken alone, wherever it stands", () => {
  const queue = createQueue();
  for (const size of [1, 2, 5_000, 3]) queue.add(job(size));
  expect([1, 2, 3].map(() => sizes(queue.take(8, near)))).toEqual([[1, 2, 3], [5_000], []]);
});

test("gives every job exactly once, and never more than asked", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(100), fc.constant(5_000)), { maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(0, 6, 4_096),
      (all, count, overhead) => {
        const queue = createQueue();
        const jobs = all.map((size) => job(size));
        for (const one of jobs) queue.add(one);
        const seen: Job[] = [];
        while (queue.length > 0) {
          const taken = queue.take(count, { batch: 3, overhead });
          expect(taken.length).toBeGreaterThan(0);
          expect(taken.length).toBeLessThanOrEqual(count);
          seen.push(...taken);
        }
        expect(new Set(seen)).toEqual(new Set(jobs));
        expect(seen.length).toBe(all.length);
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
