import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect } from "vitest";
import { type Blocks, differentiate } from "./differentiate.ts";
import { encodeModel } from "./encode.ts";
import { type Constant, Graph } from "./graph.ts";

export type Values = Record<string, Constant>;

/** Uniform in [-1, 1), the same at every call. */
export function uniform(count: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A tensor of `uniform` values times `scale`. */
export const floats = (dims: number[], seed = 1, scale = 1): Constant => ({
  type: "float32",
  dims,
  data: uniform(
    dims.reduce((a, b) => a * b, 1),
    seed,
  ).map((x) => x * scale),
});

const feeds = (values: Values) =>
  Object.fromEntries(
    Object.entries(values).map(([name, { type, data, dims }]) => [name, new Tensor(type as "float32", data, dims)]),
  );

async function run(graph: Graph, outputs: string[], values: Values): Promise<Record<string, Float32Array>> {
  const session = await InferenceSession.create(
    encodeModel(
      graph,
      outputs.map((name) => ({ name })),
    ),
    { intraOpNumThreads: 1, logSeverityLevel: 3 },
  );
  const used = Object.fromEntries(Object.entries(values).filter(([name]) => session.inputNames.includes(name)));
  const answers = await session.run(feeds(used));
  await session.release();
  return Object.fromEntries(outputs.map((name) => [name, answers[name]!.data as Float32Array]));
}

/**
 * Compares the gradient of L = Σ weight ⊙ output with central differences, for every element of every float input
 * (at most 40 of each). The weights make every output count differently.
 */
export async function expectGradients(
  values: Values,
  record: (graph: Graph) => string,
  {
    step = 1e-2,
    within = 2e-3,
    wanted = Object.keys(values).filter((name) => values[name]!.type === "float32"),
    sizes = {} as Record<string, number>,
    blocks = new Map() as Blocks,
  } = {},
): Promise<void> {
  const graph = new Graph();
  for (const [name, { type, dims }] of Object.entries(values)) graph.input(name, type, dims);
  const output = record(graph);
  const shape = graph.shape(output);
  const weight = floats(
    shape.map((d) => (typeof d === "number" ? d : sizes[d]!)),
    77,
  );
  graph.input("seed", "float32", shape);
  const gradients = differentiate(graph, new Map([[output, "seed"]]), wanted, blocks);
  const names = wanted.map((name) => gradients.get(name)!);
  const analytic = await run(graph, names, { ...values, seed: weight });
  const session = await InferenceSession.create(encodeModel(graph, [{ name: output }]), { logSeverityLevel: 3 });
  const loss = async (changed: Values): Promise<number> => {
    const y = (await session.run(feeds(changed)))[output]!.data as Float32Array;
    return y.reduce((sum, v, i) => sum + v * Number(weight.data[i]), 0);
  };
  for (const [i, name] of wanted.entries()) {
    const { dims, data } = values[name]!;
    const stride = Math.max(1, Math.floor(data.length / 40));
    for (let at = 0; at < data.length; at += stride) {
      const nudged = async (by: number) => {
        const copy = Float32Array.from(data as Float32Array);
        copy[at] = copy[at]! + by;
        return loss({ ...values, [name]: { type: "float32", dims, data: copy } });
      };
      const numeric = ((await nudged(step)) - (await nudged(-step))) / (2 * step);
      const got = analytic[names[i]!]![at]!;
      expect(Math.abs(got - numeric), `${name}[${at}]: ${got} against ${numeric}`).toBeLessThan(
        within * Math.max(1, Math.abs(numeric)),
      );
    }
  }
  await session.release();
}
