import { Fault } from "starling-ner/faults";
import type { EncoderConfig } from "./config.ts";
import type { FloatTensor } from "./graph.ts";

/** Weights by Hugging Face's names without the model's prefix; matrices of linear layers are [in, out]. */
export type Weights = ReadonlyMap<string, FloatTensor>;

/** Names of what stands on the encoder. */
export const HEAD_WEIGHT = "head.weight"; // [D, K]
export const HEAD_BIAS = "head.bias"; // [K]
export const SHAPE_TABLE = "shapes.weight"; // [shapes, D], added to the embeddings
export const WORD_TABLE = "embeddings.word_embeddings.weight";
export const POSITION_TABLE = "embeddings.position_embeddings.weight";
export const SEGMENT_TABLE = "embeddings.token_type_embeddings.weight";

/** Names of the six linear layers of layer `layer`, `.weight` and `.bias` to be added, with their widths. */
export function linearsOf({ hidden: D, intermediate: F }: EncoderConfig, layer: number) {
  const at = (name: string) => `encoder.layer.${layer}.${name}`;
  return {
    query: { name: at("attention.self.query"), from: D, to: D },
    key: { name: at("attention.self.key"), from: D, to: D },
    value: { name: at("attention.self.value"), from: D, to: D },
    attended: { name: at("attention.output.dense"), from: D, to: D },
    up: { name: at("intermediate.dense"), from: D, to: F },
    down: { name: at("output.dense"), from: F, to: D },
  };
}

/** Names of the two layer norms of layer `layer`, `.weight` and `.bias` to be added. */
export const normsOf = (layer: number) => ({
  attention: `encoder.layer.${layer}.attention.output.LayerNorm`,
  output: `encoder.layer.${layer}.output.LayerNorm`,
});

/** Shapes as the checkpoint has them: linear layers are [out, in] there. */
export function expectedShapes(config: EncoderConfig): Map<string, { dims: readonly number[]; linear: boolean }> {
  const { hidden: D, layers, vocabulary, positions, segments } = config;
  const shapes = new Map<string, { dims: readonly number[]; linear: boolean }>();
  const plain = (name: string, ...dims: number[]) => shapes.set(name, { dims, linear: false });
  const norm = (name: string) => plain(`${name}.weight`, D) && plain(`${name}.bias`, D);
  plain(WORD_TABLE, vocabulary, D);
  plain(POSITION_TABLE, positions, D);
  plain(SEGMENT_TABLE, segments, D);
  norm("embeddings.LayerNorm");
  for (let layer = 0; layer < layers; layer++) {
    for (const { name, from, to } of Object.values(linearsOf(config, layer))) {
      shapes.set(`${name}.weight`, { dims: [to, from], linear: true });
      plain(`${name}.bias`, to);
    }
    for (const name of Object.values(normsOf(layer))) norm(name);
  }
  return shapes;
}

/**
 * Picks the encoder's weights out of a checkpoint, whatever prefix they have (`bert.`, `roberta.`, none), and
 * transposes linear layers to [in, out]. Faults MODEL_FILE_INVALID where one is missing or has another shape than
 * the config says. `file` is named in faults.
 */
export function encoderWeights(config: EncoderConfig, tensors: Weights, file: string): Map<string, FloatTensor> {
  const found = [...tensors.keys()].find((name) => name.endsWith(WORD_TABLE));
  const prefix = found?.slice(0, -WORD_TABLE.length) ?? "";
  const invalid = (what: string) =>
    new Fault("MODEL_FILE_INVALID", { file, what, hint: "take config.json and weights from the same model" });
  const weights = new Map<string, FloatTensor>();
  for (const [name, { dims, linear }] of expectedShapes(config)) {
    // Checkpoints converted from TensorFlow call a norm's weight and bias gamma and beta.
    const old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
    const tensor = tensors.get(prefix + name) ?? tensors.get(prefix + old);
    if (tensor === undefined) throw invalid(`the weight "${prefix}${name}" is missing`);
    if (tensor.dims.join() !== dims.join())
      throw invalid(`"${prefix}${name}" has shape [${tensor.dims}], and config.json asks for [${dims}]`);
    weights.set(name, linear ? transposed(tensor) : tensor);
  }
  return weights;
}

/** [rows, columns] to [columns, rows]. */
export function transposed({ dims, data }: FloatTensor): FloatTensor {
  const [rows, columns] = dims as [number, number];
  const turned = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) turned[c * rows + r] = data[r * columns + c]!;
  return { dims: [columns, rows], data: turned };
}

/** Parameters outside the word-embedding, position, token-type and shape tables: those that every sub-word passes. */
export const nonEmbeddingParameters = (weights: Weights): number =>
  [...weights]
    .filter(([name]) => !/embeddings\.(?!LayerNorm)|^shapes\./.test(name))
    .reduce((sum, [, { data }]) => sum + data.length, 0);
