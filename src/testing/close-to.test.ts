import { describe, expect, test } from "vitest";
import { assertClose } from "./close-to.ts";

describe("assertClose", () => {
  test.each([
    [1, 1 + 9e-6],
    [Number.NaN, Number.NaN],
    [{ a: [1, "x", null] }, { a: [1, "x", null] }],
    [Float32Array.of(0.1, 0.2), Float32Array.of(0.100001, 0.2)],
    [new RangeError("a"), new RangeError("a")],
  ])("accepts %j and %j", (a, b) => {
    assertClose(a, b, "it");
  });

  test.each([
    [1, 1.0001, "it: 1 is not 1.0001"],
    [Number.NaN, 1, "it: NaN is not 1"],
    [{ a: 1 }, { b: 1 }, "it.a stands on one side only"],
    [[1], [1, 2], "it.1 stands on one side only"],
    [Float32Array.of(1), Float32Array.of(2), "it.0: 1 is not 2"],
    [new Error("a"), new Error("b"), "it.message: a is not b"],
    [null, {}, "it: null is not [object Object]"],
    ["1", 1, "it: 1 is not 1"],
  ])("refuses %j and %j", (a, b, why) => {
    expect(() => assertClose(a, b, "it")).toThrow(why);
  });
});
