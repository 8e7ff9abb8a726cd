import { Graph, type Node } from "./graph/graph.ts";
import { quantiseColumns, quantiseRows } from "./quantise.ts";
import type { Range } from "./ranges.ts";

export interface Int8Options {
  /** Where each value of `quantisedValues` lies; see `measureRanges`. */
  readonly ranges: ReadonlyMap<string, Range>;
  /**
   * Bits of a weight. 8 is exact enough and right for processors with VNNI; on AVX2 alone pairs of products of 8-bit
   * weights can overflow 16 bits, and 7 bits cannot.
   */
  readonly bits?: 7 | 8;
  /** Weight matrices that stay in fp32, by name. */
  readonly keep?: (weight: string) => boolean;
}

/** Smaller matrices and tables are not worth the quantisation of what they are multiplied with. */
const SMALLEST = 1 << 14;

/** Values that a large matrix is multiplied with: each needs a range before the graph can be made int8. */
export const quantisedValues = (graph: Graph): string[] => [
  ...new Set(
    graph.nodes.filter((node) => node.opType === "MatMul" && weightOf(graph, node)).map(({ inputs }) => inputs[0]!),
  ),
];

/**
 * The same graph with 8-bit integer weights: for each matrix product the activations are quantised as they come, to
 * unsigned 8 bits over a fixed range, so that a post's answer never depends on the posts it runs with; weights have a
 * scale for each output column, embedding tables one for each row. Products that read the same values share their
 * quantisation. For CPUs: `MatMulIntegerToFloat` is ONNX Runtime's own operator.
 */
export function toInt8(graph: Graph, { ranges, bits = 8, keep = () => false }: Int8Options): Graph {
  const out = new Graph();
  for (const [name, { type, shape }] of graph.inputs) out.input(name, type, shape);
  for (const [name, constant] of graph.initializers) out.initializer(name, constant);
  const record: Recorder = { graph: out, bits, ranges, quantised: new Map() };
  const chosen = (node: Node) => {
    const weight = weightOf(graph, node);
    return weight === undefined || keep(weight) ? undefined : weight;
  };
  const biases = findBiases(graph, chosen);
  for (const node of graph.nodes) {
    if (biases.folded.has(node)) continue;
    const weight = chosen(node);
    if (weight === undefined) push(out, node);
    else if (node.opType === "Gather") gather(record, node, weight);
    else multiply(record, node, weight, biases.of.get(node));
  }
  return out;
}

interface Recorder {
  readonly graph: Graph;
  readonly bits: 7 | 8;
  readonly ranges: ReadonlyMap<string, Range>;
  /** Values, scale and zero point of each value already quantised. */
  readonly quantised: Map<string, readonly [string, string, string]>;
}

const push = (graph: Graph, node: Node): void => void graph.nodes.push(node);

/** Name of the large fp32 matrix that a product or a look-up reads. */
function weightOf(graph: Graph, { opType, inputs }: Node): string | undefined {
  const name = opType === "MatMul" ? inputs[1] : opType === "Gather" ? inputs[0] : undefined;
  const constant = name === undefined ? undefined : graph.initializers.get(name);
  const large = constant?.type === "float32" && constant.dims.length === 2 && constant.data.length >= SMALLEST;
  return large ? name : undefined;
}

interface Biases {
  /** The addition that follows a product and nothing else reads between them. */
  readonly of: ReadonlyMap<Node, Node>;
  readonly folded: ReadonlySet<Node>;
}

function findBiases(graph: Graph, chosen: (node: Node) => string | undefined): Biases {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  const of = new Map<Node, Node>();
  for (const node of graph.nodes) {
    if (node.opType !== "MatMul" || chosen(node) === undefined) continue;
    const [next, other] = readers.get(node.outputs[0]!) ?? [];
    const bias = next?.inputs[1] === undefined ? undefined : graph.initializers.get(next.inputs[1]);
    if (next?.opType === "Add" && other === undefined && bias?.dims.length === 1) of.set(node, next);
  }
  return { of, folded: new Set(of.values()) };
}

function multiply(record: Recorder, node: Node, weight: string, bias: Node | undefined): void {
  const { graph } = record;
  const [values, scale, zero] = quantise(record, node.inputs[0]!);
  const names = storeColumns(record, weight);
  push(graph, {
    opType: "MatMulIntegerToFloat",
    inputs: [values, names.values, scale, names.scales, zero, "", ...(bias === undefined ? [] : [bias.inputs[1]!])],
    outputs: (bias ?? node).outputs,
    attributes: {},
    domain: "com.microsoft",
  });
}

/** `value ≈ (integer - zero) × scale`, with 0 exact; what lies beyond the range takes its end. */
function quantise({ graph, ranges, quantised }: Recorder, value: string): readonly [string, string, string] {
  const known = quantised.get(value);
  if (known !== undefined) return known;
  const range = ranges.get(value);
  if (range === undefined) throw new Error(`no range of ${value} was measured`);
  const scale = stepOf(range);
  const zero = Math.round(-range.lowest / scale);
  const names = [`${value}.u8`, `${value}.scale`, `${value}.zero`] as const;
  graph.initializer(names[1], { type: "float32", dims: [], data: Float32Array.of(scale) });
  graph.initializer(names[2], { type: "uint8", dims: [], data: Uint8Array.of(zero) });
  const inputs = [value, names[1], names[2]];
  push(graph, { opType: "QuantizeLinear", inputs, outputs: [names[0]], attributes: {}, domain: "" });
  quantised.set(value, names);
  return names;
}

/** Distance of two neighbouring integers; of values that are all 0, any. */
const stepOf = ({ lowest, highest }: Range): number => (highest > lowest ? (highest - lowest) / 255 : 1);

function storeColumns({ graph, bits }: Recorder, weight: string): { values: string; scales: string } {
  const names = { values: `${weight}.s8`, scales: `${weight}.scales` };
  const { dims, data } = graph.initializers.get(weight)!;
  const { values, scales } = quantiseColumns(data as Float32Array, dims[1]!, bits);
  graph.initializer(names.values, { type: "int8", dims, data: values });
  graph.initializer(names.scales, { type: "float32", dims: [dims[1]!], data: scales });
  return names;
}

/** Looks up the 8-bit row and its scale; row by row, nothing is lost to the other rows. */
function gather({ graph }: Recorder, node: Node, weight: string): void {
  const { dims, data } = graph.initializers.get(weight)!;
  const { values, scales } = quantiseRows(data as Float32Array, dims[1]!);
  const table = graph.initializer(`${weight}.s8`, { type: "int8", dims, data: values });
  const factors = graph.initializer(`${weight}.scales`, { type: "float32", dims: [dims[0]!, 1], data: scales });
  const [row, float, factor] = ["row", "float", "factor"].map((part) => `${node.outputs[0]}.${part}`) as [
    string,
    string,
    string,
  ];
  const indices = node.inputs[1]!;
  const plain = { attributes: {}, domain: "" };
  push(graph, { opType: "Gather", inputs: [table, indices], outputs: [row], ...plain });
  push(graph, { opType: "Gather", inputs: [factors, indices], outputs: [factor], ...plain });
  push(graph, { opType: "Cast", inputs: [row], outputs: [float], attributes: { to: { int: 1 } }, domain: "" });
  push(graph, { opType: "Mul", inputs: [float, factor], outputs: node.outputs, ...plain });
}
