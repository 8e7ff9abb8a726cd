import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { didYouMean, editDistance, nearest } from "./nearest.ts";

describe("editDistance", () => {
  test.each([
    ["", "", 0],
    ["batch", "batch", 0],
    ["batch", "bacth", 1],
    ["batch", "batchs", 1],
    ["window", "widnows", 2],
    ["", "abc", 3],
    ["kitten", "sitting", 3],
  ])("%s to %s is %i", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  test("is symmetric, and zero only for equal names", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});

test("nearest proposes nothing that is far away", () => {
  expect(nearest("concurency", ["batch", "concurrency"])).toBe("concurrency");
  expect(nearest("colour", ["batch", "concurrency"])).toBeUndefined();
  expect(nearest("x", [])).toBeUndefined();
});

test("didYouMean lists what is known where nothing is near", () => {
  expect(didYouMean("bach", ["batch"])).toBe('did you mean "batch"?');
  expect(didYouMean("colour", ["batch", "name"])).toBe("known here: batch, name");
});
