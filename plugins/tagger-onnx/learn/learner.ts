import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { TagInput, TrainPlan } from "starling-ner";
import type { BatchOptions } from "../batch.ts";
import { type EncoderConfig, readEncoderConfig } from "../graph/config.ts";
import { readSafetensors } from "../graph/safetensors.ts";
import { encoderWeights, type Weights } from "../graph/weights.ts";
import { type InputOptions, type PackedPost, packInput } from "../input.ts";
import { exists } from "../model-files.ts";
import { TAGGER_FILE } from "../tagger-file.ts";
import { readTokenizer, type SubwordTokenizer } from "../tokenizer.ts";
import { type Average, createAverage } from "./average.ts";
import { createOptimiser, type Optimiser } from "./optimiser.ts";
import { type LearnerOptions, learnerOptions } from "./options.ts";
import { readSaved } from "./saved.ts";
import { type Arenas, startArenas } from "./start.ts";
import { openStep, type Step } from "./step.ts";

/** What a training run works with. */
export interface Learner {
  /** Folder of the base encoder, or of the model that is trained further. */
  readonly folder: string;
  readonly config: EncoderConfig;
  readonly options: LearnerOptions;
  readonly types: readonly string[];
  readonly arenas: Arenas;
  readonly average: Average | undefined;
  /** What posts are tagged with and what is saved: the arenas, or their mean. */
  readonly served: Arenas;
  readonly step: Step;
  readonly optimiser: Optimiser;
  readonly input: InputOptions;
  readonly batching: BatchOptions;
  readonly threads: number;
  readonly seed: number;
  /** Id of the unknown sub-word. */
  readonly unknown: number;
  pack(input: TagInput): PackedPost;
}

/** What training begins from, in memory: a base encoder, or a model that was trained before. */
export interface BaseEncoder {
  readonly folder: string;
  readonly config: EncoderConfig;
  /** The encoder's; of a model that was trained before also head, CRF and word shapes. */
  readonly weights: Weights;
  readonly tokenizer: SubwordTokenizer;
  /** What holds where the plan says nothing else. */
  readonly options?: Partial<LearnerOptions>;
}

/** Reads the base encoder, or the saved model, of `folder` and readies everything for the first step. */
export async function openLearner(folder: string, plan: TrainPlan): Promise<Learner> {
  if (await exists(join(folder, TAGGER_FILE))) return createLearner(await readSaved(folder, plan.types), plan);
  const config = await readEncoderConfig(folder);
  const file = join(folder, "model.safetensors");
  const weights = encoderWeights(config, await readSafetensors(file), file);
  return createLearner({ folder, config, weights, tokenizer: await readTokenizer(folder) }, plan);
}

export async function createLearner(base: BaseEncoder, plan: TrainPlan): Promise<Learner> {
  const { folder, config, tokenizer } = base;
  const options = learnerOptions.parse({ ...base.options, ...(plan.options as object | undefined) });
  const { seed, types } = plan;
  const arenas = startArenas(config, base.weights, types.length, { seed, wordShape: options.wordShape });
  const average = options.average > 0 ? createAverage(arenas, options.average) : undefined;
  const threads = options.threads || availableParallelism();
  const step = await openStep({
    config,
    wordShape: options.wordShape,
    dropout: options.dropout ?? config.dropout,
    attentionDropout: options.attentionDropout ?? config.attentionDropout,
    freezeEmbeddings: options.freezeEmbeddings,
    ...arenas,
    tags: 2 * types.length + 1,
    seed,
    threads,
  });
  const input = inputOptions(config, options);
  return {
    folder,
    config,
    options,
    types,
    arenas,
    average,
    served: average?.arenas ?? arenas,
    step,
    optimiser: createOptimiser({ ...arenas, steps: plan.steps, options, threads }),
    input,
    batching: { pad: tokenizer.special.pad, firstPosition: config.firstPosition, pooling: options.pooling },
    threads,
    seed,
    unknown: tokenizer.special.unk,
    pack: (post) => packInput(post, tokenizer, input),
  };
}

const inputOptions = (config: EncoderConfig, options: LearnerOptions): InputOptions => ({
  maxSubwords: options.maxSubwords,
  maxPositions: config.positions - config.firstPosition,
  normaliseUrls: options.normaliseUrls,
  wordShape: options.wordShape,
  separators: config.family === "bert" ? 1 : 2,
  addedSegment: config.segments > 1 ? 1 : 0,
});
