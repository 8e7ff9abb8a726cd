import type { Graph, Node, Shape } from "./graph.ts";
import { intAttribute, intsAttribute } from "./shapes.ts";

/** One step backwards through a node whose first output has the gradient `dy`. */
export interface Step {
  readonly graph: Graph;
  readonly node: Node;
  readonly dy: string;
  /** Adds `gradient`, of the shape of `value`, to dL/dvalue. */
  readonly add: (value: string, gradient: string) => void;
  /** Whether the gradient of an input is asked for. */
  readonly needs: (value: string) => boolean;
}

export type Rule = (step: Step) => void;

export const keep = { attributes: { keepdims: { int: 1 } } };
const drop = { attributes: { keepdims: { int: 0 } } };

/** Adds to both inputs what `of` makes of dy, summed over the axes that broadcasting stretched. */
const elementwise =
  (...of: ((step: Step) => string)[]): Rule =>
  (step) => {
    step.node.inputs.forEach((name, i) => {
      if (step.needs(name)) step.add(name, sumTo(step.graph, of[i]!(step), step.graph.shape(name)));
    });
  };

/** Undoes broadcasting: sums `x` over the axes along which a value of shape `to` was repeated. */
export function sumTo(graph: Graph, x: string, to: Shape): string {
  const from = graph.shape(x);
  const extra = from.length - to.length;
  if (extra > 0 && extra === from.length - 1 && to[0] !== 1) return sumRows(graph, x);
  const leading = extra === 0 ? x : graph.op("ReduceSum", [x, graph.ints(range(extra))], drop);
  const stretched = to.flatMap((d, i) => (d === 1 && from[i + extra] !== 1 ? [i] : []));
  return stretched.length === 0 ? leading : graph.op("ReduceSum", [leading, graph.ints(stretched)], keep);
}

/** Sum over all axes but the last: the gradient of a bias. */
export function sumRows(graph: Graph, x: string): string {
  return graph.op("ReduceSum", [flat(graph, x), graph.ints([0])], drop);
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** All axes but the last as one; the last must be known. */
export const flat = (graph: Graph, x: string): string =>
  graph.shape(x).length === 2 ? x : graph.op("Reshape", [x, graph.ints([-1, Number(graph.shape(x).at(-1))])]);

/** A B, either transposed, times `alpha`. */
export const fused = (graph: Graph, a: string, b: string, transA: number, transB: number, alpha = 1): string =>
  graph.op("FusedMatMul", [a, b], {
    domain: "com.microsoft",
    attributes: { transA: { int: transA }, transB: { int: transB }, alpha: { float: alpha } },
  });

/** Aᵀ of A as rows. Layers that read the same values share it, and products of straight rows are the quickest. */
export const turned = (graph: Graph, x: string): string =>
  graph.op("Transpose", [flat(graph, x)], { attributes: { perm: { ints: [1, 0] } } });

/** Y = A B: dA = dY Bᵀ, dB = Aᵀ dY; the latter summed over all rows where B is one matrix for all. */
const matmul: Rule = ({ graph, node, dy, add, needs }) => {
  const [a, b] = node.inputs as [string, string];
  if (intAttribute(node, "transA", 0) + intAttribute(node, "transB", 0) > 0)
    throw new Error("the gradient of a product with transposed factors is not written");
  const shared = graph.shape(b).length === 2;
  if (!shared && graph.shape(a).length !== graph.shape(b).length)
    throw new Error("the gradient of a product of stacks of different rank is not written");
  const alpha = "alpha" in node.attributes ? (node.attributes.alpha as { float: number }).float : 1;
  if (needs(a)) add(a, fused(graph, dy, b, 0, 1, alpha));
  if (!needs(b)) return;
  if (!shared) return add(b, fused(graph, a, dy, 1, 0, alpha));
  add(b, fused(graph, turned(graph, a), flat(graph, dy), 0, 0, alpha));
};

/** Y = x Φ(x): dx = dy (Φ(x) + x φ(x)), Φ and φ of the standard normal distribution. */
const gelu: Rule = ({ graph, node, dy, add }) => {
  const x = node.inputs[0]!;
  const scaled = graph.op("Mul", [x, graph.scalar(Math.SQRT1_2)]);
  const erf = graph.op("Erf", [scaled]);
  const cdf = graph.op("Mul", [graph.op("Add", [erf, graph.scalar(1)]), graph.scalar(0.5)]);
  const exponent = graph.op("Mul", [graph.op("Mul", [x, x]), graph.scalar(-0.5)]);
  const density = graph.op("Mul", [graph.op("Exp", [exponent]), graph.scalar(1 / Math.sqrt(2 * Math.PI))]);
  const slope = graph.op("Add", [cdf, graph.op("Mul", [x, density])]);
  add(x, graph.op("Mul", [dy, slope]));
};

/** dx = y ⊙ (dy - Σ dy ⊙ y), the sum over the last axis. */
const softmax: Rule = ({ graph, node, dy, add }) => {
  const y = node.outputs[0]!;
  const sum = graph.op("ReduceSum", [graph.op("Mul", [dy, y]), graph.ints([-1])], keep);
  add(node.inputs[0]!, graph.op("Mul", [y, graph.op("Sub", [dy, sum])]));
};

/**
 * With h = (x - mean) / deviation, t = dy ⊙ h, g = dy ⊙ scale:
 * dx = (g - mean(g) - h ⊙ mean(g ⊙ h)) / deviation, dscale = Σ t, dbias = Σ dy. The means are products with scale / D,
 * mean(g ⊙ h) = t · scale / D: a product reads its rows once and writes next to nothing.
 * Ba, Kiros, Hinton 2016, https://arxiv.org/abs/1607.06450.
 */
const layerNorm: Rule = ({ graph, node, dy, add, needs }) => {
  const [x, scale, bias] = node.inputs as [string, string, string];
  const [, mean, inverse] = graph.extend(node, 3) as [string, string, string];
  const [width] = graph.shape(scale) as [number];
  const h = graph.op("Mul", [graph.op("Sub", [x, mean]), inverse]);
  const t = graph.op("Mul", [dy, h]);
  if (needs(scale)) add(scale, sumTo(graph, t, graph.shape(scale)));
  if (needs(bias)) add(bias, sumTo(graph, dy, graph.shape(bias)));
  if (!needs(x)) return;
  const column = graph.op("Reshape", [graph.op("Mul", [scale, graph.scalar(1 / width)]), graph.ints([-1, 1])]);
  const along = graph.op("Add", [graph.op("Mul", [h, product(graph, t, column)]), product(graph, dy, column)]);
  const centred = graph.op("Sub", [graph.op("Mul", [dy, scale]), along]);
  add(x, graph.op("Mul", [centred, inverse]));
};

const product = (graph: Graph, a: string, b: string): string => graph.op("MatMul", [a, b]);

/** Rows of zeros but where dy is scattered to; equal indices add up. */
const gather: Rule = ({ graph, node, dy, add }) => {
  const [table, indices] = node.inputs as [string, string];
  const zeros = graph.op("Mul", [table, graph.scalar(0)]);
  const at = graph.op("Unsqueeze", [indices, graph.ints([-1])]);
  add(table, graph.op("ScatterND", [zeros, at, dy], { attributes: { reduction: { string: "add" } } }));
};

/** As `gather`, with the place of each row as coordinates. */
const gatherND: Rule = ({ graph, node, dy, add }) => {
  const [table, indices] = node.inputs as [string, string];
  const zeros = graph.op("Mul", [table, graph.scalar(0)]);
  add(table, graph.op("ScatterND", [zeros, indices, dy], { attributes: { reduction: { string: "add" } } }));
};

const transpose: Rule = ({ graph, node, dy, add }) => {
  const perm = intsAttribute(node, "perm");
  const inverse = perm.map((_, i) => perm.indexOf(i));
  add(node.inputs[0]!, graph.op("Transpose", [dy], { attributes: { perm: { ints: inverse } } }));
};

const reshape: Rule = ({ graph, node, dy, add }) => add(node.inputs[0]!, graph.reshapeLike(dy, node.inputs[0]!));

const reduceSum: Rule = ({ graph, node, dy, add }) => {
  const x = node.inputs[0]!;
  if (intAttribute(node, "keepdims", 1) !== 1) throw new Error("the gradient of a sum that drops axes is not written");
  const ones = graph.op("Exp", [graph.op("Mul", [x, graph.scalar(0)])]);
  add(x, graph.op("Mul", [ones, dy]));
};

const other = (step: Step, i: number) => step.graph.op("Mul", [step.dy, step.node.inputs[i]!]);

export const rules: Readonly<Record<string, Rule>> = {
  Add: elementwise(
    ({ dy }) => dy,
    ({ dy }) => dy,
  ),
  Sub: elementwise(
    ({ dy }) => dy,
    ({ dy, graph }) => graph.op("Neg", [dy]),
  ),
  Mul: elementwise(
    (step) => other(step, 1),
    (step) => other(step, 0),
  ),
  Identity: ({ node, dy, add }) => add(node.inputs[0]!, dy),
  MatMul: matmul,
  FusedMatMul: matmul,
  Gelu: gelu,
  Softmax: softmax,
  LayerNormalization: layerNorm,
  Gather: gather,
  GatherND: gatherND,
  Transpose: transpose,
  Reshape: reshape,
  ReduceSum: reduceSum,
};
