import type { Dim, Graph, Node, Shape } from "./graph.ts";

type Rule = (inputs: readonly Shape[], node: Node, graph: Graph) => readonly Shape[];

/** Shapes of a node's outputs from those of its inputs, for the operators this project records. */
export function inferShape(graph: Graph, node: Node): readonly Shape[] {
  const rule = rules[node.opType];
  if (rule === undefined) throw new Error(`no shape rule for the operator ${node.opType}`);
  return rule(
    node.inputs.map((name) => (name === "" ? [] : graph.shape(name))),
    node,
    graph,
  );
}

/** NumPy's broadcasting: shapes are aligned at their end, and a 1 stretches. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== 1 && y !== 1 && x !== y) throw new Error(`shapes [${a}] and [${b}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

export const intAttribute = (node: Node, name: string, otherwise: number): number => {
  const attribute = node.attributes[name];
  return attribute !== undefined && "int" in attribute ? attribute.int : otherwise;
};

export const intsAttribute = (node: Node, name: string): readonly number[] => {
  const attribute = node.attributes[name];
  return attribute !== undefined && "ints" in attribute ? attribute.ints : [];
};

/** The whole numbers of a constant input, such as a target shape or axes. */
export function constantInts(graph: Graph, name: string | undefined): readonly number[] {
  const constant = name === undefined ? undefined : graph.initializers.get(name);
  if (!(constant?.data instanceof BigInt64Array)) throw new Error(`"${name}" is not a constant vector of int64`);
  return Array.from(constant.data, Number);
}

const same: Rule = ([x]) => [x!];
const broadcastAll: Rule = (shapes) => [shapes.reduce(broadcast)];
const flip = (shape: Shape, yes: boolean): Shape =>
  yes ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;

function product(a: Shape, b: Shape): Shape {
  if (a.at(-1) !== b.at(-2)) throw new Error(`matrices [${a}] and [${b}] do not multiply`);
  return [...broadcast(a.slice(0, -2), b.slice(0, -2)), a.at(-2)!, b.at(-1)!];
}

const matmul: Rule = ([a, b], node) => [
  product(flip(a!, intAttribute(node, "transA", 0) === 1), flip(b!, intAttribute(node, "transB", 0) === 1)),
];

const reshape: Rule = ([x], node, graph) => {
  const target: Dim[] = constantInts(graph, node.inputs[1]).map((d, i) => (d === 0 ? x![i]! : d));
  const unknown = target.indexOf(-1);
  if (unknown >= 0) target[unknown] = missing(x!, target);
  return [target];
};

/** The dimension that -1 stands for: what is left of the input once the known ones are taken out. */
function missing(from: Shape, target: readonly Dim[]): Dim {
  const left = [...from];
  let divide = 1;
  for (const dim of target) {
    if (dim === -1) continue;
    const at = left.indexOf(dim);
    if (at >= 0) left.splice(at, 1);
    else divide *= Number(dim);
  }
  const numbers = left.filter((d) => typeof d === "number").reduce((a, b) => a * b, 1) / divide;
  const names = left.filter((d) => typeof d === "string");
  if (names.length === 0) return numbers;
  return [...names, ...(numbers === 1 ? [] : [numbers])].join("*");
}

const transpose: Rule = ([x], node) => [intsAttribute(node, "perm").map((i) => x![i]!)];
const gather: Rule = ([table, indices]) => [[...indices!, ...table!.slice(1)]];

const gatherND: Rule = ([table, indices]) => [[...indices!.slice(0, -1), ...table!.slice(Number(indices!.at(-1)))]];

const reduce: Rule = ([x], node, graph) => {
  const axes = constantInts(graph, node.inputs[1]).map((a) => (a < 0 ? a + x!.length : a));
  const keep = intAttribute(node, "keepdims", 1) === 1;
  return [x!.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d]))];
};

const layerNorm: Rule = ([x], node) => {
  const rows = [...x!.slice(0, -1), 1];
  return [x!, rows, rows].slice(0, node.outputs.length);
};

const rules: Readonly<Record<string, Rule>> = {
  Add: broadcastAll,
  Sub: broadcastAll,
  Mul: broadcastAll,
  Div: broadcastAll,
  Equal: broadcastAll,
  Max: broadcastAll,
  And: broadcastAll,
  Cast: same,
  Greater: broadcastAll,
  Exp: same,
  Erf: same,
  Neg: same,
  Sqrt: same,
  Gelu: same,
  Softmax: same,
  MatMul: matmul,
  FusedMatMul: matmul,
  Gemm: matmul,
  Reshape: reshape,
  Transpose: transpose,
  Gather: gather,
  GatherND: gatherND,
  ReduceSum: reduce,
  ReduceMean: reduce,
  LayerNormalization: layerNorm,
  Identity: same,
  Shape: ([x]) => [[x!.length]],
  ScatterND: same,
  Unsqueeze: ([x], node, graph) => {
    const axes = constantInts(graph, node.inputs[1]);
    const left = [...x!];
    return [
      Array.from({ length: x!.length + axes.length }, (_, i) =>
        axes.includes(i) || axes.includes(i - x!.length - axes.length) ? 1 : left.shift()!,
      ),
    ];
  },
};
