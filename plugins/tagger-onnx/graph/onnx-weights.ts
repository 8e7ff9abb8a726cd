import { readFile } from "node:fs/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { TensorProto_DataType as DataType, ModelProtoSchema, type TensorProto } from "onnx-buf";
import { Fault } from "starling-ner/faults";
import type { FloatTensor } from "./graph.ts";

/**
 * The 32-bit floats that a model of this plugin's own encoder holds, by name. Faults: MODEL_FILE_MISSING,
 * MODEL_FILE_INVALID where the file is no such model, NOT_A_NUMBER where a weight is not finite.
 */
export async function readOnnxWeights(file: string): Promise<Map<string, FloatTensor>> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new Fault("MODEL_FILE_MISSING", { file, hint: "copy the whole folder" }, { cause });
  });
  const weights = new Map<string, FloatTensor>();
  for (const tensor of initializersOf(bytes, file))
    if (tensor.dataType === DataType.FLOAT) weights.set(tensor.name, floats(tensor, file));
  return weights;
}

const hint = "fetch the file again, whole";

function initializersOf(bytes: Uint8Array, file: string): readonly TensorProto[] {
  try {
    return fromBinary(ModelProtoSchema, bytes).graph?.initializer ?? [];
  } catch (cause) {
    throw new Fault("MODEL_FILE_INVALID", { file, what: "it is no ONNX model, or cut off", hint }, { cause });
  }
}

function floats({ name, dims, rawData }: TensorProto, file: string): FloatTensor {
  const shape = dims.map(Number);
  const count = shape.reduce((a, b) => a * b, 1);
  if (rawData.byteLength !== 4 * count)
    throw new Fault("MODEL_FILE_INVALID", {
      file,
      what: `"${name}" has ${rawData.byteLength} bytes for shape [${shape}]`,
      hint,
    });
  // A copy: inside the file it need not begin at a multiple of four bytes.
  const data = new Float32Array(new Uint8Array(rawData).buffer);
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong !== -1)
    throw new Fault("NOT_A_NUMBER", {
      what: `weight ${wrong} of "${name}"`,
      where: file,
      mend: "fetch the model again",
    });
  return { dims: shape, data };
}
