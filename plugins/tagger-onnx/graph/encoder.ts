import type { EncoderConfig } from "./config.ts";
import type { Graph, OpOptions } from "./graph.ts";
import {
  HEAD_BIAS,
  HEAD_WEIGHT,
  linearsOf,
  normsOf,
  POSITION_TABLE,
  SEGMENT_TABLE,
  SHAPE_TABLE,
  WORD_TABLE,
} from "./weights.ts";

/**
 * Inputs of the graph, row-major, B rows of T sub-words:
 * - `ids`, `positions`, `segments`, `shapes`: int64 (int32 in training) [B, T]; `positions` already starts at
 *   `config.firstPosition`, and `segments` are 0 for encoders with one segment;
 * - `mask`: float [B, 1, 1, T], added to the attention scores: 0, or a large negative number on padding;
 * - `pool`: float [B, 1, T], weights of the pooled mean.
 * Outputs: `emissions` [B, T, K], `pooled` [B, D] of length 1, `states` [B, T, D].
 */
export const EMISSIONS = "emissions";
export const POOLED = "pooled";
export const STATES = "states";
/** The sum of the embeddings before their layer norm, [B, T, D]: its gradient is that of every table's row read there. */
export const EMBEDDED = "embedded";

/** Where training drops values; serving leaves it out. */
export interface Dropout {
  /** `x` is [B, T, D]. */
  hidden(graph: Graph, x: string): string;
  /** `x` is [B, heads, T, T], the attention probabilities. */
  attention(graph: Graph, x: string): string;
}

export interface EncoderOptions {
  /** Whether a linear head `head.weight` [D, K] gives emissions. */
  readonly head: boolean;
  /** Whether the table `shapes.weight` is added to the embeddings, by the input `shapes`. */
  readonly wordShape: boolean;
  /** Whether to give `pooled`. */
  readonly pooled: boolean;
  readonly dropout?: Dropout;
}

/** Declares the inputs that every encoder reads; `indices` is the type of the whole-numbered ones. */
export function declareInputs(
  graph: Graph,
  { wordShape, pooled }: EncoderOptions,
  indices: "int64" | "int32" = "int64",
): void {
  for (const name of ["ids", "positions", "segments"]) graph.input(name, indices, ["B", "T"]);
  if (wordShape) graph.input("shapes", indices, ["B", "T"]);
  graph.input("mask", "float32", ["B", 1, 1, "T"]);
  if (pooled) graph.input("pool", "float32", ["B", 1, "T"]);
}

/**
 * Records the encoder of `config` (post-layer-norm BERT; RoBERTa differs in positions alone) and its outputs.
 * Every weight must be declared before, under the names of `Weights`: as initialisers to serve, as inputs to train.
 * Devlin et al. 2019, https://arxiv.org/abs/1810.04805.
 */
export function recordEncoder(graph: Graph, config: EncoderConfig, options: EncoderOptions): void {
  const layers = { graph, config, drop: options.dropout ?? none };
  let x = embed(layers, options.wordShape);
  for (let layer = 0; layer < config.layers; layer++) x = encoderLayer(layers, x, layer);
  graph.op("Identity", [x], { name: STATES });
  if (options.head) linear(graph, x, HEAD_WEIGHT, HEAD_BIAS, { name: EMISSIONS });
  if (options.pooled) pool(graph, x, config.hidden);
}

interface Layers {
  readonly graph: Graph;
  readonly config: EncoderConfig;
  readonly drop: Dropout;
}

const none: Dropout = { hidden: (_, x) => x, attention: (_, x) => x };

function embed({ graph, config, drop }: Layers, wordShape: boolean): string {
  const table = (name: string, input: string) => graph.op("Gather", [name, input]);
  const placed = graph.op("Add", [table(WORD_TABLE, "ids"), table(POSITION_TABLE, "positions")]);
  const segments = table(SEGMENT_TABLE, "segments");
  const typed = wordShape ? graph.op("Add", [segments, table(SHAPE_TABLE, "shapes")]) : segments;
  const sum = graph.op("Add", [placed, typed], { name: EMBEDDED });
  return drop.hidden(graph, norm(graph, config, sum, "embeddings.LayerNorm"));
}

function encoderLayer({ graph, config, drop }: Layers, x: string, layer: number): string {
  const { query, key, value, attended, up, down } = linearsOf(config, layer);
  const norms = normsOf(layer);
  const dense = (of: string, { name }: { name: string }) => linear(graph, of, `${name}.weight`, `${name}.bias`);
  const context = attend({ graph, config, drop }, dense(x, query), dense(x, key), dense(x, value));
  const mixed = graph.op("Add", [drop.hidden(graph, dense(context, attended)), x]);
  const middle = norm(graph, config, mixed, norms.attention);
  const out = dense(graph.op("Gelu", [dense(middle, up)]), down);
  return norm(graph, config, graph.op("Add", [drop.hidden(graph, out), middle]), norms.output);
}

/** softmax(Q Kᵀ / √d + mask) V for each head; Q, K, V and the answer are [B, T, D]. */
function attend({ graph, config, drop }: Layers, query: string, key: string, value: string): string {
  const { heads, hidden } = config;
  const width = hidden / heads;
  const split = (x: string, perm: readonly number[]) =>
    graph.op("Transpose", [graph.op("Reshape", [x, graph.ints([0, 0, heads, width])])], {
      attributes: { perm: { ints: perm } },
    });
  const scores = graph.op("MatMul", [split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1])]);
  const scaled = graph.op("Mul", [scores, graph.scalar(1 / Math.sqrt(width))]);
  const masked = graph.op("Add", [scaled, "mask"]);
  const weights = drop.attention(graph, graph.op("Softmax", [masked], { attributes: { axis: { int: -1 } } }));
  const mixed = graph.op("MatMul", [weights, split(value, [0, 2, 1, 3])]);
  const joined = graph.op("Transpose", [mixed], { attributes: { perm: { ints: [0, 2, 1, 3] } } });
  return graph.op("Reshape", [joined, graph.ints([0, 0, hidden])]);
}

function linear(graph: Graph, x: string, weight: string, bias: string, options: OpOptions = {}): string {
  return graph.op("Add", [graph.op("MatMul", [x, weight]), bias], options);
}

/** Outputs of the node are the normalised values, their means and inverse deviations; the gradient reads the latter. */
function norm(graph: Graph, { epsilon }: EncoderConfig, x: string, name: string): string {
  return graph.op("LayerNormalization", [x, `${name}.weight`, `${name}.bias`], {
    attributes: { axis: { int: -1 }, epsilon: { float: epsilon } },
  });
}

/** Mean of the states by the weights of `pool`, scaled to length 1. */
function pool(graph: Graph, states: string, hidden: number): void {
  const mean = graph.op("Reshape", [graph.op("MatMul", ["pool", states]), graph.ints([-1, hidden])]);
  const squares = graph.op("ReduceSum", [graph.op("Mul", [mean, mean]), graph.ints([1])]);
  graph.op("Div", [mean, graph.op("Max", [graph.op("Sqrt", [squares]), graph.scalar(1e-12)])], { name: POOLED });
}
