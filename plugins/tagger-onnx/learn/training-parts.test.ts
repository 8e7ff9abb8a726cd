import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { encodeModel } from "../graph/encode.ts";
import { declareInputs, EMISSIONS, type EncoderOptions, recordEncoder } from "../graph/encoder.ts";
import { expectGradients, floats, type Values } from "../graph/finite-differences.test-help.ts";
import { Graph } from "../graph/graph.ts";
import { tinyConfig, tinyWeights } from "../graph/tiny.test-help.ts";
import type { Weights } from "../graph/weights.ts";
import { type DropoutSite, recordDropout } from "./dropout.ts";
import { createArena, type Start, viewOf } from "./parameters.ts";
import { slicesOf, toSlices } from "./slices.ts";
import { trainingParts } from "./training-parts.ts";

const long = (dims: number[], values: number[]) =>
  ({ type: "int64", dims, data: BigInt64Array.from(values, BigInt) }) as const;

/** Two rows of three sub-words; the first has words at positions 1 and 2, the second one at 1. */
const inputs: Values = {
  ids: long([2, 3], [3, 1, 6, 2, 4, 0]),
  positions: long([2, 3], [0, 1, 2, 0, 1, 2]),
  segments: long([2, 3], [0, 0, 1, 0, 0, 0]),
  shapes: long([2, 3], [0, 1, 2, 0, 3, 0]),
  words: long([2, 2, 2], [0, 1, 0, 2, 1, 1, 1, 0]),
  mask: { type: "float32", dims: [2, 1, 1, 3], data: Float32Array.of(0, 0, 0, 0, 0, -10_000) },
};
const served = tinyWeights(tinyConfig);
const starts = [...toSlices(tinyConfig, served)].map(
  ([name, value]): Start => ({ name, value, group: "head", decays: false }),
);
const arena = createArena(starts);
/** The weights as training's graph reads them. */
const weights = new Map(
  slicesOf(tinyConfig, arena.parameters).map((slice) => [
    slice.name,
    { dims: slice.dims, data: Float32Array.from(viewOf(arena.weights, slice)) },
  ]),
);
const withWeights: Values = { ...inputs };
for (const [name, { dims, data }] of weights) withWeights[name] = { type: "float32", dims, data };
const sizes: Record<string, number> = { B: 2, T: 3, W: 2 };

function record(graph: Graph, rate: number) {
  const sites: DropoutSite[] = [];
  const parts = trainingParts(recordDropout(sites, { hidden: rate, attention: rate }));
  const options = { head: true, wordShape: true, pooled: false, wordsOnly: true, parts };
  declareInputs(graph, options, "int64");
  recordEncoder(graph, tinyConfig, options);
  return { sites, blocks: parts.blocks };
}

test("every weight of a tiny encoder has the right gradient in the form that training records, with dropout", async () => {
  const trial = new Graph();
  for (const [name, { dims }] of weights) trial.input(name, "float32", dims);
  const { sites } = record(trial, 0.5);
  const values = { ...withWeights };
  for (const [i, { input, shape }] of sites.entries()) {
    const dims = shape.map((d) => (typeof d === "number" ? d : sizes[d]!));
    const { data } = floats(dims, i + 5);
    values[input] = { type: "float32", dims, data: (data as Float32Array).map((x) => (x > 0 ? 2 : 0)) };
  }
  expect(sites.length).toBe(1 + 3 * tinyConfig.layers);
  const blocks = new Map();
  await expectGradients(
    values,
    (graph) => {
      for (const [output, rule] of record(graph, 0.5).blocks) blocks.set(output, rule);
      return EMISSIONS;
    },
    { wanted: [...weights.keys()], step: 5e-3, within: 1e-2, sizes, blocks },
  );
}, 60_000);

test("without dropout, training reads the words as serving does", async () => {
  const run = async (options: Partial<EncoderOptions>, weights: Weights) => {
    const graph = new Graph();
    const all = { head: true, wordShape: true, pooled: false, ...options };
    declareInputs(graph, all, "int64");
    for (const [name, { dims, data }] of weights) graph.initializer(name, { type: "float32", dims, data });
    recordEncoder(graph, tinyConfig, all);
    const session = await InferenceSession.create(encodeModel(graph, [{ name: EMISSIONS }]), { logSeverityLevel: 3 });
    const feeds = session.inputNames.map((name) => {
      const { type, data, dims } = inputs[name]!;
      return [name, new Tensor(type as "float32", data as Float32Array, dims)] as const;
    });
    const answer = await session.run(Object.fromEntries(feeds));
    await session.release();
    return answer[EMISSIONS]!.data as Float32Array;
  };
  const expected = await run({}, served);
  const trained = await run({ wordsOnly: true, parts: trainingParts((_, x) => x) }, weights);
  const positions = [1, 2, 4, 3];
  positions.forEach((position, word) => {
    for (let tag = 0; tag < 3; tag++) expect(trained[word * 3 + tag]).toBeCloseTo(expected[position * 3 + tag]!, 5);
  });
});
