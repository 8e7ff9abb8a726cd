import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
} from "onnx-buf";
import type { Attribute, Constant, ElementType, Graph, Shape } from "./graph.ts";

const dataTypes: Readonly<Record<ElementType, DataType>> = {
  float32: DataType.FLOAT,
  int64: DataType.INT64,
  int32: DataType.INT32,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

export interface GraphOutput {
  readonly name: string;
  readonly type?: ElementType;
  readonly shape?: Shape;
}

/**
 * The graph as an ONNX model (opset 20, com.microsoft 1), ready for a file or a session.
 * Nodes that no output needs are left out, and so are inputs and initialisers that no node reads.
 * Protobuf allows 2 GiB.
 */
export function encodeModel(graph: Graph, outputs: readonly GraphOutput[]): Uint8Array {
  const nodes = needed(graph, outputs);
  const read = new Set([...nodes.flatMap((n) => n.inputs), ...outputs.map((o) => o.name)]);
  const model = create(ModelProtoSchema, {
    irVersion: 9n,
    producerName: "starling-ner",
    opsetImport: [
      { domain: "", version: 20n },
      { domain: "com.microsoft", version: 1n },
    ],
    graph: {
      name: "encoder",
      node: nodes.map((n) => ({
        opType: n.opType,
        domain: n.domain,
        name: `${n.opType}:${n.outputs[0]}`,
        input: [...n.inputs],
        output: [...n.outputs],
        attribute: Object.entries(n.attributes).map(([name, value]) => ({ name, ...attribute(value) })),
      })),
      initializer: [...graph.initializers].filter(([name]) => read.has(name)).map(([name, v]) => tensor(name, v)),
      input: [...graph.inputs].filter(([name]) => read.has(name)).map(([name, v]) => value(name, v.type, v.shape)),
      output: outputs.map((o) => value(o.name, o.type ?? "float32", o.shape ?? known(graph, o.name))),
    },
  });
  return toBinary(ModelProtoSchema, model);
}

/** Undefined where a graph was put together without shapes: a session then infers them. */
const known = (graph: Graph, name: string): Shape | undefined => (graph.has(name) ? graph.shape(name) : undefined);

function needed(graph: Graph, outputs: readonly GraphOutput[]): Graph["nodes"] {
  const wanted = new Set(outputs.map((o) => o.name));
  const kept = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => wanted.has(name))) return false;
    for (const name of node.inputs) wanted.add(name);
    return true;
  });
  return kept.reverse();
}

function attribute(value: Attribute) {
  if ("int" in value) return { type: AttributeType.INT, i: BigInt(value.int) };
  if ("float" in value) return { type: AttributeType.FLOAT, f: value.float };
  if ("ints" in value) return { type: AttributeType.INTS, ints: value.ints.map(BigInt) };
  return { type: AttributeType.STRING, s: new TextEncoder().encode(value.string) };
}

function tensor(name: string, { type, dims, data }: Constant) {
  const rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return { name, dataType: dataTypes[type], dims: dims.map(BigInt), rawData };
}

function value(name: string, type: ElementType, shape: Shape | undefined) {
  const dim = shape?.map((d) =>
    typeof d === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(d) } }
      : { value: { case: "dimParam" as const, value: d } },
  );
  const tensorType = { elemType: dataTypes[type], ...(dim === undefined ? {} : { shape: { dim } }) };
  return { name, type: { value: { case: "tensorType" as const, value: tensorType } } };
}
