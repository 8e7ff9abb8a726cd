import { Graph, type Node } from "./graph/graph.ts";
import { quantiseColumns, quantiseRows } from "./quantise.ts";

export interface Int8Options {
  /**
   * Bits of a weight. 8 is exact enough and right for processors with VNNI; on AVX2 alone pairs of products of 8-bit
   * weights can overflow 16 bits, and 7 bits cannot.
   */
  readonly bits?: 7 | 8;
  /** Weight matrices that stay in fp32, by name. */
  readonly keep?: (weight: string) => boolean;
  /**
   * Products whose other factor is quantised row by row rather than as a whole, by the name of their weights. By default
   * the second layer of each feed-forward block: what GELU lets through differs most from sub-word to sub-word.
   */
  readonly byRow?: (weight: string) => boolean;
}

const secondOfFeedForward = (weight: string): boolean => /layer\.\d+\.output\.dense/.test(weight);

/** Smaller matrices and tables are not worth the quantisation of what they are multiplied with. */
const SMALLEST = 1 << 14;

/**
 * The same graph with 8-bit integer weights: for each matrix product the activations are quantised as they come, to
 * unsigned 8 bits over the range of the whole tensor; weights have a scale for each output column, embedding tables one
 * for each row. Products that read the same values share their quantisation. For CPUs: `MatMulIntegerToFloat` is
 * ONNX Runtime's own operator.
 */
export function toInt8(graph: Graph, options: Int8Options = {}): Graph {
  const { bits = 8, keep = () => false, byRow = secondOfFeedForward } = options;
  const out = new Graph();
  for (const [name, { type, shape }] of graph.inputs) out.input(name, type, shape);
  for (const [name, constant] of graph.initializers) out.initializer(name, constant);
  const record: Recorder = { graph: out, bits, quantised: new Map(), rows: new Map() };
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
    else (byRow(weight) ? multiplyRows : multiply)(record, node, weight, biases.of.get(node));
  }
  return out;
}

interface Recorder {
  readonly graph: Graph;
  readonly bits: 7 | 8;
  /** Outputs of the quantiser of each value already quantised: values, scale, zero point. */
  readonly quantised: Map<string, readonly [string, string, string]>;
  /** The same row by row: values and the largest of each row. */
  readonly rows: Map<string, readonly [string, string]>;
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

/** Where `row.scale` and `row.zero` map -1 to 1, the range of a row divided by its largest value. */
function multiplyRows(record: Recorder, node: Node, weight: string, bias: Node | undefined): void {
  const { graph } = record;
  const [values, largest] = quantiseEachRow(record, node.inputs[0]!);
  const names = storeColumns(record, weight);
  const inputs = [values, names.values, "row.scale", names.scales, "row.zero"];
  const [result] = node.outputs as [string];
  const unit = [`${result}.unit`];
  push(graph, { opType: "MatMulIntegerToFloat", inputs, outputs: unit, attributes: {}, domain: "com.microsoft" });
  const product = bias === undefined ? result : `${result}.product`;
  plain(graph, "Mul", [unit[0]!, largest], product);
  if (bias !== undefined) plain(graph, "Add", [product, bias.inputs[1]!], bias.outputs[0]!);
}

/** Divides each row by its largest value, so that one fixed scale fits them all; answers names of values and divisors. */
function quantiseEachRow({ graph, rows }: Recorder, value: string): readonly [string, string] {
  const known = rows.get(value);
  if (known !== undefined) return known;
  graph.initializer("row.scale", { type: "float32", dims: [], data: Float32Array.of(1 / 127) });
  graph.initializer("row.zero", { type: "uint8", dims: [], data: Uint8Array.of(128) });
  graph.initializer("row.least", { type: "float32", dims: [], data: Float32Array.of(1e-12) });
  graph.initializer("row.axis", { type: "int64", dims: [1], data: BigInt64Array.of(-1n) });
  const names = [`${value}.row8`, `${value}.largest`] as const;
  plain(graph, "Abs", [value], `${value}.abs`);
  plain(graph, "ReduceMax", [`${value}.abs`, "row.axis"], `${value}.peak`, { keepdims: { int: 1 } });
  plain(graph, "Max", [`${value}.peak`, "row.least"], names[1]);
  plain(graph, "Div", [value, names[1]], `${value}.unit`);
  plain(graph, "QuantizeLinear", [`${value}.unit`, "row.scale", "row.zero"], names[0]);
  rows.set(value, names);
  return names;
}

const plain = (graph: Graph, opType: string, inputs: string[], output: string, attributes: Node["attributes"] = {}) =>
  push(graph, { opType, inputs, outputs: [output], attributes, domain: "" });

function quantise({ graph, quantised }: Recorder, value: string): readonly [string, string, string] {
  const known = quantised.get(value);
  if (known !== undefined) return known;
  const names = [`${value}.u8`, `${value}.scale`, `${value}.zero`] as const;
  push(graph, { opType: "DynamicQuantizeLinear", inputs: [value], outputs: names, attributes: {}, domain: "" });
  quantised.set(value, names);
  return names;
}

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
