import type { EncoderConfig } from "./graph/config.ts";
import { declareInputs, EMISSIONS, POOLED, recordEncoder } from "./graph/encoder.ts";
import { Graph } from "./graph/graph.ts";
import { SHAPE_TABLE, type Weights } from "./graph/weights.ts";

/** Outputs of a graph that serves. */
export const SERVED = [{ name: EMISSIONS }, { name: POOLED }] as const;

/**
 * The graph of a tagger. `weights` has the encoder's, `head.weight`, `head.bias` and, for a model that uses them, the
 * shape table; they are written into the graph, or declared as its inputs.
 */
export function serveGraph(
  config: EncoderConfig,
  weights: Weights,
  as: "initializers" | "inputs" = "initializers",
): Graph {
  const graph = new Graph();
  const options = { head: true, pooled: true, wordShape: weights.has(SHAPE_TABLE) };
  declareInputs(graph, options);
  for (const [name, { dims, data }] of weights)
    if (as === "inputs") graph.input(name, "float32", dims);
    else graph.initializer(name, { type: "float32", dims, data });
  recordEncoder(graph, config, options);
  return graph;
}
