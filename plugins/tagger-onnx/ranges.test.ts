import { expect, test } from "vitest";
import type { Batch } from "./batch.ts";
import { Graph } from "./graph/graph.ts";
import { measureRanges } from "./ranges.ts";

/** A graph that reads its input `mask` [rows, 1, 1, length] and gives `y`, twice as much. */
function doubling(): Graph {
  const graph = new Graph();
  graph.input("mask", "float32", ["B", 1, 1, "T"]);
  graph.op("Add", ["mask", "mask"], { name: "y" });
  return graph;
}

const batchOf = (values: readonly number[]): Batch => ({
  rows: 1,
  length: values.length,
  ids: new Int32Array(values.length),
  segments: new Int32Array(values.length),
  positions: new Int32Array(values.length),
  shapes: new Int32Array(values.length),
  mask: Float32Array.from(values),
  pool: new Float32Array(values.length),
});

const evenly = Array.from({ length: 4000 }, (_, i) => i / 2000 - 1);

test("evenly spread values keep their whole range, over all batches", async () => {
  const ranges = await measureRanges(doubling(), ["y"], [batchOf(evenly.slice(0, 2000)), batchOf(evenly.slice(2000))]);
  const { lowest, highest } = ranges.get("y")!;
  expect(lowest).toBeCloseTo(-2, 1);
  expect(highest).toBeCloseTo(2, 1);
});

test("one value far away does not take the steps of all others", async () => {
  const ranges = await measureRanges(doubling(), ["y"], [...Array(100).fill(batchOf(evenly)), batchOf([4])]);
  const { lowest, highest } = ranges.get("y")!;
  expect(lowest).toBeCloseTo(-2, 1);
  expect(highest).toBeGreaterThanOrEqual(2);
  expect(highest).toBeLessThan(8);
});

test("values that are all 0, and values of one sign, have a range with 0 in it", async () => {
  const zeros = await measureRanges(doubling(), ["y"], [batchOf([0, 0])]);
  expect(zeros.get("y")).toEqual({ lowest: 0, highest: 0 });
  const positive = await measureRanges(doubling(), ["y"], [batchOf([1, 2, 3, 4])]);
  expect(positive.get("y")!.lowest).toBe(0);
});
