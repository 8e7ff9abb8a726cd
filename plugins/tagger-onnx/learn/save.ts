import type { SaveOptions } from "starling-ner";
import { makeFolder } from "starling-ner";
import { toBatch } from "../batch.ts";
import { writeFolder } from "../folder.ts";
import { encodeModel } from "../graph/encode.ts";
import type { FloatTensor, Graph } from "../graph/graph.ts";
import type { PackedInput } from "../input.ts";
import { quantisedValues, toInt8 } from "../int8.ts";
import { measureRanges } from "../ranges.ts";
import { SERVED, serveGraph } from "../serve-graph.ts";
import { smoothOutliers } from "../smooth.ts";
import { crfOf } from "./learn-step.ts";
import type { Learner } from "./learner.ts";
import { viewOf } from "./parameters.ts";
import { fromSlices } from "./slices.ts";
import { isCrf } from "./start.ts";

/** What calibration found. */
export interface Calibrated {
  readonly temperature: number;
  /** Rows that int8's ranges are measured on. */
  readonly sample: readonly PackedInput[];
}

/** Writes the folder that the tagger opens: models, tokenizer, CRF and temperature. */
export async function saveFolder(
  learner: Learner,
  { temperature, sample }: Calibrated,
  folder: string,
  { precisions, labelMap }: SaveOptions,
): Promise<void> {
  const { config, options, input, types } = learner;
  const graph = () => serveGraph(config, weightsOf(learner));
  const fp32 = precisions.includes("fp32") ? encodeModel(graph(), SERVED) : undefined;
  const int8 = precisions.includes("int8") ? await encodeInt8(graph(), learner, sample) : undefined;
  const about = {
    name: options.name,
    family: config.family,
    types: [...types],
    crf: scoresOf(learner),
    temperature,
    labelMap: { ...labelMap },
    input: {
      maxSubwords: input.maxSubwords,
      normaliseUrls: input.normaliseUrls,
      wordShape: input.wordShape,
      separators: input.separators,
      signs: options.signs,
    },
    pooling: options.pooling,
  };
  makeFolder(folder);
  await writeFolder(folder, about, { fp32, int8 }, learner.folder);
}

async function encodeInt8(graph: Graph, { batching }: Learner, sample: readonly PackedInput[]): Promise<Uint8Array> {
  if (sample.length === 0) throw new Error("an int8 model is saved after calibration, which shows it posts");
  // Each row alone: padding would count as values of posts.
  const batches = sample.map((row) => toBatch([row], batching));
  const smooth = await smoothOutliers(graph, batches);
  return encodeModel(toInt8(smooth, { ranges: await measureRanges(smooth, quantisedValues(smooth), batches) }), SERVED);
}

/** The encoder's and the head's weights as they stand, copied out of shared memory. */
function weightsOf({ served, config }: Learner): Map<string, FloatTensor> {
  const weights = new Map(
    [served.tables, served.dense].flatMap((arena) =>
      arena.parameters
        .filter(({ name }) => !isCrf(name))
        .map((p): [string, FloatTensor] => [p.name, { dims: p.dims, data: viewOf(arena.weights, p).slice() }]),
    ),
  );
  return fromSlices(config, weights);
}

function scoresOf({ served: { dense } }: Learner) {
  const { transitions, start, end } = crfOf(dense, dense.weights);
  return { transitions: [...transitions], start: [...start], end: [...end] };
}
