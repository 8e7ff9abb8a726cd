import type { Batch } from "./batch.ts";
import { type FloatTensor, Graph, type Node } from "./graph/graph.ts";
import { openProbe } from "./probe.ts";

/** A channel may be this many times as large as the median channel; what is larger is brought down to it. */
const LARGEST = 3;

/** What the two layers of a feed-forward block read: there a few channels are ten times as large as the others. */
const feedForward = (weight: string): boolean => /layer\.\d+\.(intermediate|output)\.dense/.test(weight);

/**
 * The same function of its inputs, easier to quantise: before a layer of a feed-forward block, channels far larger than the
 * others are divided by a factor, and the layer's weights of that channel multiplied with it. One range of 256 steps
 * then serves all channels. As Xiao et al. 2023, section 4, https://arxiv.org/abs/2211.10438, but for the factor: outliers
 * alone are scaled, so that hardly any weight loses precision.
 */
export async function smoothOutliers(graph: Graph, batches: readonly Batch[]): Promise<Graph> {
  const products = new Map(
    graph.nodes.flatMap((node): [Node, FloatTensor][] => {
      const weight = node.opType === "MatMul" ? graph.initializers.get(node.inputs[1]!) : undefined;
      return weight !== undefined && feedForward(node.inputs[1]!) ? [[node, weight as FloatTensor]] : [];
    }),
  );
  if (products.size === 0) return graph;
  const peaks = await measurePeaks(graph, products, batches);
  const out = new Graph();
  for (const [name, { type, shape }] of graph.inputs) out.input(name, type, shape);
  for (const [name, constant] of graph.initializers) out.initializer(name, constant);
  for (const node of graph.nodes) {
    const weight = products.get(node);
    if (weight === undefined) out.nodes.push(node);
    else multiplySmoothed(out, node, weight, factorsFor(peaks.get(node.inputs[0]!)!));
  }
  return out;
}

/** Largest magnitude of each channel, the last axis, of what the products read. */
async function measurePeaks(
  graph: Graph,
  products: ReadonlyMap<Node, FloatTensor>,
  batches: readonly Batch[],
): Promise<Map<string, Float32Array>> {
  const peaks = new Map([...products].map(([{ inputs }, { dims }]) => [inputs[0]!, new Float32Array(dims[0]!)]));
  const probe = await openProbe(graph, [...peaks.keys()], batches);
  await probe.eachBatch((name, seen) => {
    const peak = peaks.get(name)!;
    for (let i = 0; i < seen.length; i++) {
      const channel = i % peak.length;
      peak[channel] = Math.max(peak[channel]!, Math.abs(seen[i]!));
    }
  });
  await probe.close();
  return peaks;
}

function factorsFor(peaks: Float32Array): Float32Array {
  const limit = LARGEST * peaks.toSorted()[peaks.length >> 1]!;
  return peaks.map((peak) => (limit > 0 ? Math.max(1, peak / limit) : 1));
}

function multiplySmoothed(out: Graph, node: Node, { dims, data }: FloatTensor, factors: Float32Array): void {
  const [value, weight] = node.inputs as [string, string];
  const smoothed = `${value}.smooth`;
  const columns = dims[1]!;
  out.initializer(weight, { type: "float32", dims, data: data.map((w, i) => w * factors[Math.floor(i / columns)]!) });
  out.initializer(`${smoothed}.factors`, {
    type: "float32",
    dims: [dims[0]!],
    data: factors.map((factor) => 1 / factor),
  });
  const inputs = [value, `${smoothed}.factors`];
  out.nodes.push({ opType: "Mul", inputs, outputs: [smoothed], attributes: {}, domain: "" });
  out.nodes.push({ ...node, inputs: [smoothed, weight] });
}
