import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from "onnx-buf";
import { encodeModel, type GraphOutput } from "./graph/encode.ts";
import type { FloatTensor, Graph } from "./graph/graph.ts";

/** A model whose weights stay outside of it: protobuf allows 2 GiB, and XLM-RoBERTa-large has more. */
export interface ExternalModel {
  readonly graph: Uint8Array;
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** `weights` are declared as inputs of `graph`; the model names each as a file of its own, handed over in memory. */
export function encodeExternal(
  graph: Graph,
  weights: ReadonlyMap<string, FloatTensor>,
  outputs: readonly GraphOutput[],
): ExternalModel {
  const model = fromBinary(ModelProtoSchema, encodeModel(graph, outputs));
  const read = model.graph!.input.filter(({ name }) => weights.has(name)).map(({ name }) => name);
  model.graph!.input = model.graph!.input.filter(({ name }) => !weights.has(name));
  for (const name of read) model.graph!.initializer.push(reference(name, weights.get(name)!));
  const externalData = read.map((name) => ({ path: name, data: bytesOf(weights.get(name)!) }));
  return { graph: toBinary(ModelProtoSchema, model), externalData };
}

function reference(name: string, { dims, data }: FloatTensor) {
  const entries = { location: name, offset: "0", length: String(data.byteLength) };
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: TensorProto_DataType.FLOAT,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  });
}

const bytesOf = ({ data }: FloatTensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
