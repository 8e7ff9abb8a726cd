import { describe, test } from "vitest";
import { expectGradients, floats } from "./finite-differences.test-help.ts";

describe("gradients equal finite differences", () => {
  test("Add, of a vector broadcast over rows", () =>
    expectGradients({ a: floats([2, 3, 4]), b: floats([4], 2) }, (g) => g.op("Add", ["a", "b"])));

  test("Add, of an axis of length one", () =>
    expectGradients({ a: floats([2, 3, 4]), b: floats([2, 1, 4], 2) }, (g) => g.op("Add", ["a", "b"])));

  test("Add, where a value is used twice", () =>
    expectGradients({ a: floats([2, 3]) }, (g) => g.op("Add", [g.op("Gelu", ["a"]), "a"])));

  test("Sub", () => expectGradients({ a: floats([2, 3]), b: floats([2, 1], 2) }, (g) => g.op("Sub", ["a", "b"])));

  test("Mul, of a mask per row and of a scalar", () =>
    expectGradients({ a: floats([2, 3, 4]), b: floats([2, 1, 4], 2) }, (g) =>
      g.op("Mul", [g.op("Mul", ["a", "b"]), g.scalar(0.7)]),
    ));

  test("MatMul, of a stack with one matrix", () =>
    expectGradients({ a: floats([2, 3, 4]), b: floats([4, 5], 2) }, (g) => g.op("MatMul", ["a", "b"])));

  test("MatMul, of two stacks", () =>
    expectGradients({ a: floats([2, 2, 3, 4]), b: floats([2, 2, 4, 3], 2) }, (g) => g.op("MatMul", ["a", "b"])));

  test("Gelu", () => expectGradients({ a: floats([3, 5], 1, 3) }, (g) => g.op("Gelu", ["a"]), { step: 3e-3 }));

  test("Softmax", () =>
    expectGradients({ a: floats([3, 5], 1, 2) }, (g) => g.op("Softmax", ["a"], { attributes: { axis: { int: -1 } } })));

  test("LayerNormalization", () =>
    expectGradients(
      { a: floats([2, 3, 6], 1, 2), scale: floats([6], 2), bias: floats([6], 3) },
      (g) =>
        g.op("LayerNormalization", ["a", "scale", "bias"], {
          attributes: { axis: { int: -1 }, epsilon: { float: 1e-5 } },
        }),
      { step: 3e-3, within: 5e-3 },
    ));

  test("Gather, with a row taken twice", () =>
    expectGradients(
      { table: floats([5, 3]), rows: { type: "int64", dims: [2, 2], data: BigInt64Array.of(1n, 4n, 4n, 0n) } },
      (g) => g.op("Gather", ["table", "rows"]),
    ));

  test("GatherND", () =>
    expectGradients(
      { table: floats([2, 3, 4]), places: { type: "int64", dims: [2, 1, 2], data: BigInt64Array.of(0n, 2n, 1n, 1n) } },
      (g) => g.op("GatherND", ["table", "places"]),
    ));

  test("Transpose and Reshape", () =>
    expectGradients({ a: floats([2, 3, 4]) }, (g) =>
      g.op("Reshape", [g.op("Transpose", ["a"], { attributes: { perm: { ints: [2, 0, 1] } } }), g.ints([4, 6])]),
    ));

  test("ReduceSum", () => expectGradients({ a: floats([2, 3, 4]) }, (g) => g.op("ReduceSum", ["a", g.ints([1])])));
});
