import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import type { Batch } from "./batch.ts";
import { encodeModel } from "./graph/encode.ts";
import { Graph } from "./graph/graph.ts";
import { quantisedValues, toInt8 } from "./int8.ts";
import { measureRanges } from "./ranges.ts";
import { smoothOutliers } from "./smooth.ts";

const [width, out] = [128, 160];

function noise(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A layer of a feed-forward block over rows of `mask`, whose third channel is made forty times as large. */
function layer(name = "encoder.layer.0.intermediate.dense.weight"): Graph {
  const graph = new Graph();
  graph.input("mask", "float32", ["B", 1, 1, width]);
  const scales = new Float32Array(width).fill(1);
  scales[2] = 40;
  graph.initializer("scales", { type: "float32", dims: [width], data: scales });
  graph.initializer(name, { type: "float32", dims: [width, out], data: noise(width * out, 3) });
  graph.op("MatMul", [graph.op("Mul", ["mask", "scales"]), name], { name: "y" });
  return graph;
}

const batch: Batch = {
  rows: 8,
  length: width,
  ids: new Int32Array(8 * width),
  segments: new Int32Array(8 * width),
  positions: new Int32Array(8 * width),
  shapes: new Int32Array(8 * width),
  mask: noise(8 * width, 5),
  pool: new Float32Array(8 * width),
};

async function run(graph: Graph): Promise<Float32Array> {
  const session = await InferenceSession.create(encodeModel(graph, [{ name: "y" }]), { logSeverityLevel: 4 });
  const { y } = await session.run({ mask: new Tensor("float32", batch.mask, [8, 1, 1, width]) });
  return y!.data as Float32Array;
}

const error = (exact: Float32Array, given: Float32Array): number =>
  Math.hypot(...exact.map((value, i) => value - given[i]!)) / Math.hypot(...exact);

const quantised = async (graph: Graph): Promise<Graph> =>
  toInt8(graph, { ranges: await measureRanges(graph, quantisedValues(graph), [batch]) });

test("a smoothed graph says the same", async () => {
  const graph = layer();
  expect(error(await run(graph), await run(await smoothOutliers(graph, [batch])))).toBeLessThan(1e-6);
});

test("an outlier among the channels no longer takes the steps of the others", async () => {
  const graph = layer();
  const exact = await run(graph);
  const plain = error(exact, await run(await quantised(graph)));
  const smooth = error(exact, await run(await quantised(await smoothOutliers(graph, [batch]))));
  expect(smooth).toBeLessThan(0.6 * plain);
});

test("layers outside of feed-forward blocks stay as they are", async () => {
  const graph = layer("encoder.layer.0.attention.self.query.weight");
  expect(await smoothOutliers(graph, [batch])).toBe(graph);
});
