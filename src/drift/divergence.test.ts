import fc from "fast-check";
import { expect, test } from "vitest";
import { mulberry32 } from "../score/index.ts";
import { jensenShannon, noiseOf } from "./divergence.ts";

const shares = fc.array(fc.nat(10_000), { minLength: 1, maxLength: 12 });

test("is 0 for the same shares, whatever they sum to, 1 for nothing in common, and the same both ways", () => {
  fc.assert(
    fc.property(shares, shares, (p, q) => {
      const found = jensenShannon(p, q);
      expect(found).toBeGreaterThanOrEqual(0);
      expect(found).toBeLessThanOrEqual(1);
      expect(jensenShannon(q, p)).toBeCloseTo(found, 12);
      expect(
        jensenShannon(
          p,
          p.map((share) => 7 * share),
        ),
      ).toBeCloseTo(0, 9);
    }),
  );
  expect(jensenShannon([3, 0], [0, 5])).toBe(1);
  expect([jensenShannon([], [1]), jensenShannon([0, 0], [1, 2])]).toEqual([0, 0]);
});

test("is what its definition says", () => {
  // M = (3/8, 5/8): half of KL((1/2, 1/2), M) and half of KL((1/4, 3/4), M), in bits.
  const half = 0.5 * Math.log2(4 / 3) + 0.5 * Math.log2(4 / 5);
  const quarter = 0.25 * Math.log2(2 / 3) + 0.75 * Math.log2(6 / 5);
  expect(jensenShannon([1, 1], [1, 3])).toBeCloseTo((half + quarter) / 2, 12);
});

test("samples of one population stay below the noise, and use a good part of it", () => {
  const random = mulberry32(7);
  const population = [0.4, 0.3, 0.2, 0.1];
  const draw = (count: number) => {
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < count; i++) {
      let [left, bucket] = [random(), 0];
      while (left > population[bucket]! && bucket < 3) left -= population[bucket++]!;
      counts[bucket]!++;
    }
    return counts;
  };
  const noise = noiseOf({ buckets: 4, live: 400, reference: 2000, spread: 1 });
  const found = Array.from({ length: 3000 }, () => jensenShannon(draw(400), draw(2000)));
  expect(found.filter((one) => one > noise).length).toBeLessThanOrEqual(2);
  expect(Math.max(...found)).toBeGreaterThan(noise / 3);
});
