import { join } from "node:path";
import { Fault, verifyManifest } from "starling-ner";
import { readEncoderConfig } from "../graph/config.ts";
import type { FloatTensor } from "../graph/graph.ts";
import { readOnnxWeights } from "../graph/onnx-weights.ts";
import { expectedShapes, HEAD_BIAS, HEAD_WEIGHT, SHAPE_TABLE } from "../graph/weights.ts";
import { readJson } from "../model-files.ts";
import { SHAPE_COUNT } from "../shape.ts";
import { TAGGER_FILE, type TaggerFile, taggerFile } from "../tagger-file.ts";
import { readTokenizer } from "../tokenizer.ts";
import type { BaseEncoder } from "./learner.ts";
import { CRF_NAMES } from "./start.ts";

/**
 * Reads a folder that `starling train` saved, to be trained further: encoder, head, CRF and word shapes go on from where
 * they were, and what the model was trained with counts where the config says nothing else. `types` are those of the run.
 * Faults: MODEL_FILE_MISSING where there is no fp32 model, TRAIN_DATA_UNFIT where it has other types, MODEL_FILE_INVALID,
 * NOT_A_NUMBER, MANIFEST_*.
 */
export async function readSaved(folder: string, types: readonly string[]): Promise<BaseEncoder> {
  const saved = await readJson(folder, TAGGER_FILE, taggerFile, "save the model again");
  const model = saved.files.fp32;
  if (model === undefined)
    throw new Fault("MODEL_FILE_MISSING", {
      file: `the fp32 model of ${folder}`,
      hint: "int8 weights cannot be trained further: train the model with precisions: [fp32, int8], or name its base encoder",
    });
  refuseOtherTypes(folder, saved, types);
  await verifyManifest(folder, [TAGGER_FILE, "config.json", "tokenizer.json", model]);
  const config = await readEncoderConfig(folder);
  const file = join(folder, model);
  const found = await readOnnxWeights(file);
  const weights = new Map(
    [...expectedOf(saved, config)].map(([name, dims]) => [name, fitting(name, dims, found, file)]),
  );
  return {
    folder,
    config,
    weights: new Map([...weights, ...scoresOf(saved)]),
    tokenizer: await readTokenizer(folder),
    options: { ...trainedWith(saved) },
  };
}

/** The head has one column for each tag of the types, in their order. */
function refuseOtherTypes(folder: string, saved: TaggerFile, types: readonly string[]): void {
  if (saved.types.join("\n") === types.join("\n")) return;
  const why = `its types are ${types.join(", ")}, and the model of ${folder}, which is trained further, has ${saved.types.join(", ")}`;
  const mend = `set train.types: [${saved.types.join(", ")}] and map others with labelMap, or begin from the base encoder`;
  throw new Fault("TRAIN_DATA_UNFIT", { data: "train.data", why: `${why}; ${mend}` });
}

/** Shapes as the served graph has them: linear layers are [in, out] there. */
function expectedOf(saved: TaggerFile, config: BaseEncoder["config"]): Map<string, readonly number[]> {
  const encoder = [...expectedShapes(config)].map(([name, { dims, linear }]): [string, readonly number[]] => {
    return [name, linear ? dims.toReversed() : dims];
  });
  const tags = 2 * saved.types.length + 1;
  return new Map([
    ...encoder,
    [HEAD_WEIGHT, [config.hidden, tags]],
    [HEAD_BIAS, [tags]],
    ...(saved.input.wordShape ? ([[SHAPE_TABLE, [SHAPE_COUNT, config.hidden]]] as const) : []),
  ]);
}

function fitting(
  name: string,
  dims: readonly number[],
  found: ReadonlyMap<string, FloatTensor>,
  file: string,
): FloatTensor {
  const tensor = found.get(name);
  const invalid = (what: string) =>
    new Fault("MODEL_FILE_INVALID", { file, what, hint: "name a folder as starling train saved it" });
  if (tensor === undefined) throw invalid(`the weight "${name}" is missing`);
  if (tensor.dims.join() !== dims.join())
    throw invalid(`"${name}" has shape [${tensor.dims}], and config.json and tagger.json ask for [${dims}]`);
  return tensor;
}

function scoresOf({ crf, types }: TaggerFile): [string, FloatTensor][] {
  const tags = 2 * types.length + 1;
  return [
    [CRF_NAMES.transitions, { dims: [tags, tags], data: Float32Array.from(crf.transitions) }],
    [CRF_NAMES.start, { dims: [tags], data: Float32Array.from(crf.start) }],
    [CRF_NAMES.end, { dims: [tags], data: Float32Array.from(crf.end) }],
  ];
}

const trainedWith = ({ input: { maxSubwords, normaliseUrls, wordShape, signs }, pooling }: TaggerFile) => ({
  maxSubwords,
  normaliseUrls,
  wordShape,
  signs,
  pooling,
});
