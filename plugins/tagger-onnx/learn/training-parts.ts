import type { EncoderConfig } from "../graph/config.ts";
import { type Attention, type EncoderParts, joinHeads, splitHeads } from "../graph/encoder.ts";
import { flat, fused, keep, type Rule, sumRows, turned } from "../graph/gradient-rules.ts";
import type { Graph } from "../graph/graph.ts";
import { sliceCount, sliceName } from "./slices.ts";

/** The encoder's parts as training records them, and the gradients of those that are more than their operators. */
export interface TrainingParts extends EncoderParts {
  /** By the block's output, for `differentiate`. */
  readonly blocks: ReadonlyMap<string, Rule>;
}

/** Drops of `x`: states one by one, [B, T, D]; of the values of attention, [B, heads, T, width], whole vectors. */
export type Drop = (graph: Graph, x: string, kind: "hidden" | "attention") => string;

export function trainingParts(drop: Drop): TrainingParts {
  const blocks = new Map<string, Rule>();
  return {
    blocks,
    hidden: (graph, x) => drop(graph, x, "hidden"),
    attend: (graph, config, of) => attend(graph, config, of, drop, blocks),
    feedForward: (graph, config, x, up, down) => feedForward(graph, config, x, up, down, blocks),
  };
}

/**
 * Attention whose probabilities are dropped by key: one factor for each row, head and key, the same for all queries, so
 * that it can be taken to the values: P' V = P (m ⊙ V). The probabilities, the largest tensor of all, are then
 * written once. With C = P (m ⊙ V): dS = P ⊙ (dP - Σ dC ⊙ C), since Σ dP ⊙ P = Σ dC ⊙ C for each query.
 */
function attend(
  graph: Graph,
  config: EncoderConfig,
  { query, key, value }: Attention,
  drop: Drop,
  blocks: Map<string, Rule>,
): string {
  const alpha = 1 / Math.sqrt(config.hidden / config.heads);
  const q = splitHeads(graph, config, query);
  const k = splitHeads(graph, config, key);
  const v = drop(graph, splitHeads(graph, config, value), "attention");
  const scores = graph.op("Add", [fused(graph, q, k, 0, 1, alpha), "mask"]);
  const p = graph.op("Softmax", [scores], { attributes: { axis: { int: -1 } } });
  const context = graph.op("MatMul", [p, v]);
  blocks.set(context, ({ dy, add }) => {
    const sum = graph.op("ReduceSum", [graph.op("Mul", [dy, context]), graph.ints([-1])], keep);
    const ds = graph.op("Mul", [p, graph.op("Sub", [fused(graph, dy, v, 0, 1), sum])]);
    add(q, fused(graph, ds, k, 0, 0, alpha));
    add(k, fused(graph, ds, q, 1, 0, alpha));
    add(v, fused(graph, p, dy, 1, 0));
  });
  return joinHeads(graph, config, context);
}

/**
 * gelu(x) = u (1 + erf u) / √2 with u = x / √2. Both roots go into the products before and behind, so that what is left
 * is short: y = u (1 + erf u), dy/du = 1 + erf u + u exp(ln(2/√π) - u²). Slice by slice of the intermediate layer; of a
 * slice only u is kept for the gradient, since computing y again is cheaper than fetching it from memory.
 */
function feedForward(
  graph: Graph,
  config: EncoderConfig,
  x: string,
  up: string,
  down: string,
  blocks: Map<string, Rule>,
): string {
  const slices = Array.from({ length: sliceCount(config) }, (_, i) => ({
    into: sliceName(`${up}.weight`, i),
    bias: sliceName(`${up}.bias`, i),
    out: sliceName(`${down}.weight`, i),
  }));
  const rows = flat(graph, x);
  const inner = slices.map(({ into, bias }) => {
    // An addition of its own is quicker than Gemm's, which writes the bias out to every row first.
    return graph.op("Add", [fused(graph, rows, into, 0, 0, root), graph.op("Mul", [bias, graph.scalar(root)])]);
  });
  const sum = slices.reduce((acc, { out }, i) => {
    return gemm(graph, [gelu(graph, inner[i]!).y, out, acc], 1);
  }, `${down}.bias`);
  const answer = graph.reshapeLike(sum, x);
  blocks.set(answer, ({ dy, add }) => {
    const d = flat(graph, dy);
    const [dTurned, xTurned] = [turned(graph, d), turned(graph, x)];
    add(`${down}.bias`, sumRows(graph, d));
    const back = slices.reduce((acc: string | undefined, { into, bias, out }, i) => {
      const { y, slope } = gelu(graph, inner[i]!);
      add(out, gemm(graph, [dTurned, y]));
      const du = graph.op("Mul", [slope(), gemm(graph, [d, out])]);
      add(into, gemm(graph, [xTurned, du]));
      add(bias, graph.op("Mul", [sumRows(graph, du), graph.scalar(root)]));
      return gemm(graph, acc === undefined ? [du, into] : [du, into, acc], 1);
    }, undefined);
    add(x, graph.reshapeLike(back!, x));
  });
  return answer;
}

const root = Math.SQRT1_2;

/** u (1 + erf u), and its derivative once it is asked for. */
function gelu(graph: Graph, u: string) {
  const twice = graph.op("Add", [graph.op("Erf", [u]), graph.scalar(1)]);
  const slope = () => {
    const exponent = graph.op("Sub", [graph.scalar(Math.log(2 / Math.sqrt(Math.PI))), graph.op("Mul", [u, u])]);
    return graph.op("Add", [twice, graph.op("Mul", [u, graph.op("Exp", [exponent])])]);
  };
  return { y: graph.op("Mul", [u, twice]), slope };
}

/** A B / √2 + C; B transposed where `transB` is 1. */
const gemm = (graph: Graph, inputs: readonly string[], transB = 0): string =>
  graph.op("Gemm", inputs, { attributes: { transB: { int: transB }, alpha: { float: root } } });
