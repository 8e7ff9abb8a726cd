import { expect, test } from "vitest";
import { spread } from "./record.ts";

test("the posts that the cost is estimated from stand all over the corpus, whatever its length", () => {
  const all = (length: number) => Array.from({ length }, (_, i) => i);
  expect(spread(all(7), 20)).toEqual(all(7));
  for (const length of [21, 39, 40, 59, 1000]) {
    const taken = spread(all(length), 20);
    const gaps = taken.map((one, i) => (taken[i + 1] ?? length) - one);
    expect([taken.length, taken[0]]).toEqual([20, 0]);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
  }
});
