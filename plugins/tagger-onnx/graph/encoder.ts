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
 * - `ids`, `positions`, `segments`, `shapes`: int32 (or int64) [B, T]; `positions` already starts at
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

/** Q, K and V of an attention: query [B, W, D], key and value [B, T, D]. */
export interface Attention {
  readonly query: string;
  readonly key: string;
  readonly value: string;
}

/** Parts that training records in its own way: with dropout, and in forms that are quick to differentiate. */
export interface EncoderParts {
  /** Anything between the sublayers, [B, T, D]. */
  hidden(graph: Graph, x: string): string;
  /** softmax(Q Kᵀ / √d + mask) V for each head, [B, W, D]. */
  attend(graph: Graph, config: EncoderConfig, of: Attention): string;
  /** The two linear layers and the GELU between them. */
  feedForward(graph: Graph, config: EncoderConfig, x: string, up: string, down: string): string;
}

export interface EncoderOptions {
  /** Whether a linear head `head.weight` [D, K] gives emissions. */
  readonly head: boolean;
  /** Whether the table `shapes.weight` is added to the embeddings, by the input `shapes`. */
  readonly wordShape: boolean;
  /** Whether to give `pooled`. */
  readonly pooled: boolean;
  /**
   * Whether the last layer answers for words alone: its queries are the positions that the input `words` names, int64
   * [B, W, 2] with row and position, and `emissions` are [B, W, K]. Nothing else is read of the others there.
   */
  readonly wordsOnly?: boolean;
  readonly parts?: EncoderParts;
}

/** Declares the inputs that every encoder reads; the gradient of a table wants its whole-numbered ones as int64. */
export function declareInputs(
  graph: Graph,
  { wordShape, pooled, wordsOnly = false }: EncoderOptions,
  indices: "int32" | "int64" = "int32",
): void {
  for (const name of ["ids", "positions", "segments"]) graph.input(name, indices, ["B", "T"]);
  if (wordShape) graph.input("shapes", indices, ["B", "T"]);
  graph.input("mask", "float32", ["B", 1, 1, "T"]);
  if (pooled) graph.input("pool", "float32", ["B", 1, "T"]);
  if (wordsOnly) graph.input("words", "int64", ["B", "W", 2]);
}

/**
 * Records the encoder of `config` (post-layer-norm BERT; RoBERTa differs in positions alone) and its outputs.
 * Every weight must be declared before, under the names of `Weights`: as initialisers to serve, as inputs to train.
 * Devlin et al. 2019, https://arxiv.org/abs/1810.04805.
 */
export function recordEncoder(graph: Graph, config: EncoderConfig, options: EncoderOptions): void {
  const layers = { graph, config, parts: options.parts ?? serving };
  let x = embed(layers, options.wordShape);
  for (let layer = 0; layer < config.layers; layer++) {
    const wordsOnly = options.wordsOnly === true && layer === config.layers - 1;
    x = encoderLayer(layers, x, wordsOnly ? graph.op("GatherND", [x, "words"]) : x, layer);
  }
  graph.op("Identity", [x], { name: STATES });
  if (options.head) linear(graph, x, HEAD_WEIGHT, HEAD_BIAS, { name: EMISSIONS });
  if (options.pooled) pool(graph, x, config.hidden);
}

interface Layers {
  readonly graph: Graph;
  readonly config: EncoderConfig;
  readonly parts: EncoderParts;
}

const serving: EncoderParts = { hidden: (_, x) => x, attend, feedForward };

function embed({ graph, config, parts }: Layers, wordShape: boolean): string {
  const table = (name: string, input: string) => graph.op("Gather", [name, input]);
  const placed = graph.op("Add", [table(WORD_TABLE, "ids"), table(POSITION_TABLE, "positions")]);
  const segments = table(SEGMENT_TABLE, "segments");
  const typed = wordShape ? graph.op("Add", [segments, table(SHAPE_TABLE, "shapes")]) : segments;
  const sum = graph.op("Add", [placed, typed], { name: EMBEDDED });
  return parts.hidden(graph, norm(graph, config, sum, "embeddings.LayerNorm"));
}

/** `x` [B, T, D] is what the layer reads, `asking` [B, W, D] the part of it that it answers for. */
function encoderLayer({ graph, config, parts }: Layers, x: string, asking: string, layer: number): string {
  const { query, key, value, attended, up, down } = linearsOf(config, layer);
  const norms = normsOf(layer);
  const dense = (of: string, { name }: { name: string }) => linear(graph, of, `${name}.weight`, `${name}.bias`);
  const of = { query: dense(asking, query), key: dense(x, key), value: dense(x, value) };
  const context = dense(parts.attend(graph, config, of), attended);
  const mixed = graph.op("Add", [parts.hidden(graph, context), asking]);
  const middle = norm(graph, config, mixed, norms.attention);
  const out = parts.hidden(graph, parts.feedForward(graph, config, middle, up.name, down.name));
  return norm(graph, config, graph.op("Add", [out, middle]), norms.output);
}

/** [B, T, D] as [B, heads, T, D / heads] with the axes in another order. */
export function splitHeads(graph: Graph, { heads, hidden }: EncoderConfig, x: string, perm = [0, 2, 1, 3]): string {
  const parts = graph.op("Reshape", [x, graph.ints([0, 0, heads, hidden / heads])]);
  return graph.op("Transpose", [parts], { attributes: { perm: { ints: perm } } });
}

/** The way back: [B, heads, T, D / heads] as [B, T, D]. */
export function joinHeads(graph: Graph, { hidden }: EncoderConfig, x: string): string {
  const joined = graph.op("Transpose", [x], { attributes: { perm: { ints: [0, 2, 1, 3] } } });
  return graph.op("Reshape", [joined, graph.ints([0, 0, hidden])]);
}

function attend(graph: Graph, config: EncoderConfig, { query, key, value }: Attention): string {
  const keys = splitHeads(graph, config, key, [0, 2, 3, 1]);
  const scores = graph.op("MatMul", [splitHeads(graph, config, query), keys]);
  const scaled = graph.op("Mul", [scores, graph.scalar(1 / Math.sqrt(config.hidden / config.heads))]);
  const weights = graph.op("Softmax", [graph.op("Add", [scaled, "mask"])], { attributes: { axis: { int: -1 } } });
  return joinHeads(graph, config, graph.op("MatMul", [weights, splitHeads(graph, config, value)]));
}

function feedForward(graph: Graph, _: EncoderConfig, x: string, up: string, down: string): string {
  const inner = graph.op("Gelu", [linear(graph, x, `${up}.weight`, `${up}.bias`)]);
  return linear(graph, inner, `${down}.weight`, `${down}.bias`);
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
