import { type InferenceSession, Tensor } from "onnxruntime-node";
import type { Batch } from "./batch.ts";

type Feed = (batch: Batch) => { readonly data: Int32Array | Float32Array; readonly dims: readonly number[] };

const flat =
  (name: "ids" | "segments" | "positions" | "shapes"): Feed =>
  (batch) => ({ data: batch[name], dims: [batch.rows, batch.length] });

/** Names that graphs give their inputs: our own, and those of Hugging Face exports. */
const known: Readonly<Record<string, Feed>> = {
  ids: flat("ids"),
  input_ids: flat("ids"),
  segments: flat("segments"),
  token_type_ids: flat("segments"),
  positions: flat("positions"),
  position_ids: flat("positions"),
  shapes: flat("shapes"),
  mask: (batch) => ({ data: batch.mask, dims: [batch.rows, 1, 1, batch.length] }),
  attention_mask: (batch) => ({
    data: batch.mask.map((score) => (score === 0 ? 1 : 0)),
    dims: [batch.rows, batch.length],
  }),
  pool: (batch) => ({ data: batch.pool, dims: [batch.rows, 1, batch.length] }),
};

export const unknownInputs = (names: readonly string[]): string[] => names.filter((name) => !(name in known));

/** The tensors that this session asks for, in the element types it asks for. */
export function feedsOf(session: InferenceSession, batch: Batch): InferenceSession.FeedsType {
  return Object.fromEntries(
    session.inputMetadata.map((input) => {
      const { data, dims } = known[input.name]!(batch);
      return [input.name, toTensor(input.isTensor ? input.type : "float32", data, dims)];
    }),
  );
}

function toTensor(type: Tensor.Type, data: Int32Array | Float32Array, dims: readonly number[]): Tensor {
  switch (type) {
    case "int64":
      return new Tensor("int64", toInt64(data), dims);
    case "int32":
      return new Tensor("int32", data instanceof Int32Array ? data : Int32Array.from(data), dims);
    case "bool":
      return new Tensor("bool", Uint8Array.from(data), dims);
    default:
      return new Tensor("float32", data instanceof Float32Array ? data : Float32Array.from(data), dims);
  }
}

/** Fast: no BigInt is made. The halves of a number stand low one first on all processors that ONNX Runtime runs on. */
function toInt64(data: Int32Array | Float32Array): BigInt64Array {
  const halves = new Int32Array(2 * data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    halves[2 * i] = value;
    halves[2 * i + 1] = value < 0 ? -1 : 0;
  }
  return new BigInt64Array(halves.buffer);
}
