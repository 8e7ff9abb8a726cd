import { join } from "node:path";
import { type EncoderConfig, readEncoderConfig } from "./config.ts";
import { declareInputs, type EncoderOptions, recordEncoder } from "./encoder.ts";
import { type FloatTensor, Graph } from "./graph.ts";
import { readSafetensors } from "./safetensors.ts";
import { encoderWeights, HEAD_BIAS, HEAD_WEIGHT, SHAPE_TABLE, transposed, type Weights } from "./weights.ts";

/** A Hugging Face folder, read and checked. */
export interface Checkpoint {
  readonly config: EncoderConfig;
  /** The encoder's weights, and `head.weight`, `head.bias` where the checkpoint has a classifier. */
  readonly weights: Map<string, FloatTensor>;
}

/** Reads `config.json` and `model.safetensors`. Faults as `readEncoderConfig`, `readSafetensors`, `encoderWeights`. */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const config = await readEncoderConfig(folder);
  const file = join(folder, "model.safetensors");
  const tensors = await readSafetensors(file);
  const weights = encoderWeights(config, tensors, file);
  const head = { weight: tensors.get("classifier.weight"), bias: tensors.get("classifier.bias") };
  if (head.weight !== undefined && head.bias !== undefined) {
    weights.set(HEAD_WEIGHT, transposed(head.weight));
    weights.set(HEAD_BIAS, head.bias);
  }
  return { config, weights };
}

/**
 * The graph to serve: every weight an initialiser under its name in `weights`, so that an exporter finds the matrices
 * of linear layers as the second input of a MatMul. What the weights hold decides what it gives: `emissions` with a
 * head, shape embeddings with a shape table. `pooled` and `states` are always there.
 */
export function servingGraph(config: EncoderConfig, weights: Weights): Graph {
  const options: EncoderOptions = { head: weights.has(HEAD_WEIGHT), wordShape: weights.has(SHAPE_TABLE), pooled: true };
  const graph = new Graph();
  declareInputs(graph, options);
  for (const [name, { dims, data }] of weights) graph.initializer(name, { type: "float32", dims, data });
  recordEncoder(graph, config, options);
  return graph;
}
