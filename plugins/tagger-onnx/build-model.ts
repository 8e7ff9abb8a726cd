import { join } from "node:path";
import { Fault } from "starling-ner/faults";
import { encodeExternal } from "./external-weights.ts";
import { readEncoderConfig } from "./graph/config.ts";
import { readSafetensors } from "./graph/safetensors.ts";
import { encoderWeights, HEAD_BIAS, HEAD_WEIGHT, transposed } from "./graph/weights.ts";
import type { LoadedModel } from "./load-model.ts";
import { SERVED, serveGraph } from "./serve-graph.ts";

/** Builds the graph of a Hugging Face folder with a classifier, in memory. */
export async function buildModel(folder: string): Promise<LoadedModel> {
  const file = join(folder, "model.safetensors");
  const config = await readEncoderConfig(folder);
  const tensors = await readSafetensors(file);
  const weights = encoderWeights(config, tensors, file);
  const matrix = tensors.get("classifier.weight");
  const bias = tensors.get("classifier.bias");
  if (matrix === undefined || bias === undefined) throw new Fault("MODEL_HEAD_MISSING", { folder });
  if (matrix.dims[1] !== config.hidden || bias.dims[0] !== matrix.dims[0])
    throw new Fault("MODEL_FILE_INVALID", {
      file,
      what: `its classifier has shape [${matrix.dims}], the encoder a width of ${config.hidden}`,
      hint: "take config.json and weights from the same model",
    });
  weights.set(HEAD_WEIGHT, transposed(matrix));
  weights.set(HEAD_BIAS, bias);
  tensors.clear();
  const model = encodeExternal(serveGraph(config, weights, "inputs"), weights, SERVED);
  return { ...model, file, vocabulary: config.vocabulary };
}
