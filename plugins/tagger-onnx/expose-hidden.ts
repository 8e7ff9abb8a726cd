import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { Fault } from "starling-ner/faults";
import type { LoadedModel } from "./load-model.ts";

const invalid = (file: string, what: string, cause?: unknown): Fault =>
  new Fault(
    "MODEL_FILE_INVALID",
    { file, what, hint: "export it for token classification, or copy it again" },
    { cause },
  );

/**
 * Gives a graph for token classification a further output `hidden`: what its classifier reads, from which the feature
 * is pooled. An exporter writes the logits alone.
 */
export async function exposeHidden(file: string, folder: string): Promise<LoadedModel> {
  const model = parse(await readFile(file), file);
  const graph = model.graph;
  if (graph === undefined || graph.node.length === 0) throw invalid(file, "it holds no graph");
  if (graph.output.some(({ name }) => ["pooled", "hidden", "last_hidden_state"].includes(name)))
    return { graph: file, file, vocabulary: undefined };
  addOutput(graph, classifierInput(graph, file));
  const externalData = await readExternal(graph, folder, file);
  const bytes = toBinary(ModelProtoSchema, model);
  return { graph: bytes, file, vocabulary: undefined, ...(externalData.length > 0 && { externalData }) };
}

function parse(bytes: Uint8Array, file: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw invalid(file, "it is not an ONNX model, or it is cut short", cause);
  }
}

const PASSING = new Set(["Add", "Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "DequantizeLinear", "Mul"]);
const PRODUCTS = new Set([
  "MatMul",
  "Gemm",
  "MatMulInteger",
  "DynamicQuantizeMatMul",
  "MatMulIntegerToFloat",
  "FusedMatMul",
]);
const QUANTISERS = new Set(["DynamicQuantizeLinear", "QuantizeLinear"]);

/** Goes back from `logits` to the last matrix product, and from its input past any quantiser. */
function classifierInput(graph: GraphProto, file: string): string {
  const maker = new Map<string, NodeProto>(graph.node.flatMap((node) => node.output.map((name) => [name, node])));
  let node = maker.get("logits");
  while (node !== undefined && PASSING.has(node.opType)) {
    const before = node.input.map((name) => maker.get(name)).filter((one) => one !== undefined);
    node = before.find((one) => PASSING.has(one.opType) || PRODUCTS.has(one.opType));
  }
  if (node === undefined || !PRODUCTS.has(node.opType)) throw invalid(file, "no linear layer ends in its logits");
  const quantiser = maker.get(node.input[0]!);
  return quantiser !== undefined && QUANTISERS.has(quantiser.opType) ? quantiser.input[0]! : node.input[0]!;
}

function addOutput(graph: GraphProto, hidden: string): void {
  graph.node.push(
    create(NodeProtoSchema, { opType: "Identity", name: "starling.hidden", input: [hidden], output: ["hidden"] }),
  );
  const tensorType = { elemType: TensorProto_DataType.FLOAT };
  const type = { value: { case: "tensorType" as const, value: tensorType } };
  graph.output.push(create(ValueInfoProtoSchema, { name: "hidden", type }));
}

/** A graph given as bytes has no folder, so the files its weights lie in are handed over as well. */
async function readExternal(graph: GraphProto, folder: string, file: string) {
  const paths = new Set<string>();
  for (const { dataLocation, externalData } of graph.initializer)
    if (dataLocation === TensorProto_DataLocation.EXTERNAL)
      for (const { key, value } of externalData) if (key === "location") paths.add(value);
  return Promise.all(
    [...paths].map(async (path) => {
      if (path.split(/[\\/]/).includes("..")) throw invalid(file, `its weights lie outside its folder (${path})`);
      const data = await readFile(join(folder, path)).catch((cause: unknown) => {
        throw new Fault(
          "MODEL_FILE_MISSING",
          { file: join(folder, path), hint: `${file} keeps its weights there` },
          { cause },
        );
      });
      return { path, data };
    }),
  );
}
