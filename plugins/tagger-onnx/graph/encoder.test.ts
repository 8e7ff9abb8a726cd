import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { serveGraph } from "../serve-graph.ts";
import { encodeModel } from "./encode.ts";
import { declareInputs, EMISSIONS, recordEncoder } from "./encoder.ts";
import { expectGradients, type Values } from "./finite-differences.test-help.ts";
import { tinyConfig, tinyWeights } from "./tiny.test-help.ts";

const long = (dims: number[], values: number[]) =>
  ({ type: "int64", dims, data: BigInt64Array.from(values, BigInt) }) as const;

const inputs: Values = {
  ids: long([2, 3], [3, 1, 6, 2, 0, 0]),
  positions: long([2, 3], [0, 1, 2, 0, 1, 2]),
  segments: long([2, 3], [0, 0, 1, 0, 0, 0]),
  shapes: long([2, 3], [0, 1, 2, 0, 0, 0]),
  mask: { type: "float32", dims: [2, 1, 1, 3], data: Float32Array.of(0, 0, 0, 0, -10_000, -10_000) },
};

test("every weight of a tiny encoder has the gradient that finite differences give", async () => {
  const weights = tinyWeights(tinyConfig);
  const options = { head: true, wordShape: true, pooled: false };
  const values: Values = { ...inputs };
  for (const [name, { dims, data }] of weights) values[name] = { type: "float32", dims, data };
  await expectGradients(
    values,
    (graph) => {
      declareInputs(graph, options, "int64");
      recordEncoder(graph, tinyConfig, options);
      return EMISSIONS;
    },
    { wanted: [...weights.keys()], step: 5e-3, within: 1e-2, sizes: { B: 2, T: 3 } },
  );
}, 60_000);

test("padding changes no state of a row", async () => {
  const graph = serveGraph(tinyConfig, tinyWeights(tinyConfig));
  const session = await InferenceSession.create(encodeModel(graph, [{ name: EMISSIONS }, { name: "pooled" }]), {
    logSeverityLevel: 3,
  });
  const run = async (length: number) => {
    const ids = [4, 2, 5, 0, 0].slice(0, length);
    const shape = [1, length];
    const tensor = (values: number[]) => new Tensor("int32", Int32Array.from(values), shape);
    const answers = await session.run({
      ids: tensor(ids),
      positions: tensor(ids.map((_, i) => i)),
      segments: tensor(ids.map(() => 0)),
      shapes: tensor(ids.map(() => 1)),
      mask: new Tensor(
        "float32",
        Float32Array.from(ids, (_, i) => (i < 3 ? 0 : -10_000)),
        [1, 1, 1, length],
      ),
      pool: new Tensor(
        "float32",
        Float32Array.from(ids, (_, i) => (i < 3 ? 1 / 3 : 0)),
        [1, 1, length],
      ),
    });
    return [EMISSIONS, "pooled"].map((name) => answers[name]!.data as Float32Array);
  };
  const [bare, barePooled] = await run(3);
  const [padded, paddedPooled] = await run(5);
  bare!.forEach((value, i) => {
    expect(padded![i]).toBeCloseTo(value, 5);
  });
  barePooled!.forEach((value, i) => {
    expect(paddedPooled![i]).toBeCloseTo(value, 5);
  });
  expect(Math.hypot(...barePooled!)).toBeCloseTo(1, 5);
  await session.release();
});
