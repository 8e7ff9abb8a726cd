import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEncoderConfig } from "../../plugins/tagger-onnx/graph/config.ts";
import { expectedShapes } from "../../plugins/tagger-onnx/graph/weights.ts";

export interface LargeModel {
  readonly layers: number;
  readonly vocabulary: number;
  readonly labels: number;
}

/** A Hugging Face folder in the shape of XLM-RoBERTa-large with random weights, written as it is made. */
export async function writeLargeModel(folder: string, { layers, vocabulary, labels }: LargeModel): Promise<void> {
  const json = {
    model_type: "xlm-roberta",
    vocab_size: vocabulary,
    hidden_size: 1024,
    num_hidden_layers: layers,
    num_attention_heads: 16,
    intermediate_size: 4096,
    max_position_embeddings: 514,
    type_vocab_size: 1,
    pad_token_id: 1,
    layer_norm_eps: 1e-5,
    hidden_act: "gelu",
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(json));
  const shapes = [...expectedShapes(parseEncoderConfig(json, "config.json"))].map(([name, { dims }]) => ({
    name,
    dims,
  }));
  shapes.push({ name: "classifier.weight", dims: [labels, 1024] }, { name: "classifier.bias", dims: [labels] });
  await writeSafetensors(join(folder, "model.safetensors"), shapes);
}

const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

async function writeSafetensors(
  file: string,
  shapes: readonly { name: string; dims: readonly number[] }[],
): Promise<void> {
  let end = 0;
  const entries = shapes.map(({ name, dims }) => {
    const begin = end;
    end += 4 * sizeOf(dims);
    return [name, { dtype: "F32", shape: dims, data_offsets: [begin, end] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const out = createWriteStream(file);
  out.write(length);
  out.write(header);
  const [noise, ones] = [randomBytes(), bytesOf(new Float32Array(CHUNK).fill(1))];
  for (const { name, dims } of shapes) {
    const source = name.endsWith("LayerNorm.weight") ? ones : noise;
    for (let left = 4 * sizeOf(dims); left > 0; left -= source.length)
      if (!out.write(source.subarray(0, Math.min(left, source.length)))) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
}

/** Floats written at once; odd, so that rows of a matrix differ. */
const CHUNK = 1_000_003;

function randomBytes(): Buffer {
  let state = 7;
  return bytesOf(
    Float32Array.from({ length: CHUNK }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return 0.06 * (state / 2 ** 32 - 0.5);
    }),
  );
}

const bytesOf = (data: Float32Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
