import { type EncoderConfig, parseEncoderConfig } from "./config.ts";
import { floats } from "./finite-differences.test-help.ts";
import type { FloatTensor } from "./graph.ts";
import { expectedShapes, HEAD_BIAS, HEAD_WEIGHT, SHAPE_TABLE } from "./weights.ts";

export const tinyConfig: EncoderConfig = parseEncoderConfig(
  {
    model_type: "bert",
    vocab_size: 7,
    hidden_size: 8,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 16,
    max_position_embeddings: 6,
    type_vocab_size: 2,
    hidden_act: "gelu",
    layer_norm_eps: 1e-5,
  },
  "config.json",
);

/** Arbitrary weights of `config` with a head of 3 tags and a shape table, linear layers [in, out]. */
export function tinyWeights(config: EncoderConfig): Map<string, FloatTensor> {
  const weights = new Map<string, FloatTensor>();
  const D = config.hidden;
  const add = (name: string, dims: number[]) => {
    const data = floats(dims, weights.size + 1, 0.5).data as Float32Array;
    weights.set(name, { dims, data: name.endsWith("LayerNorm.weight") ? data.map((x) => 1 + x) : data });
  };
  for (const [name, { dims, linear }] of expectedShapes(config)) add(name, linear ? dims.toReversed() : [...dims]);
  add(HEAD_WEIGHT, [D, 3]);
  add(HEAD_BIAS, [3]);
  add(SHAPE_TABLE, [12, D]);
  return weights;
}
