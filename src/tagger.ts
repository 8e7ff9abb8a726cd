import type { Feature, Mention, Tagging } from "./facts.ts";
import { mapOk, type Outcome } from "./outcome.ts";
import { definePort } from "./plugin.ts";

/** What a tagger reads of a post: [T; captions; Z], the two last ones possibly empty. */
export interface TagInput {
  readonly words: readonly string[];
  /** Whether each word follows the one before it without a space; absent where nobody knows. */
  readonly glued?: readonly boolean[];
  readonly captions: readonly string[];
  readonly knowledge: string;
}

/** A `TagInput` with the mentions a person marked in it. */
export interface GoldInput extends TagInput {
  readonly gold: readonly Mention[];
}

export interface Tagged {
  readonly tagging: Tagging;
  readonly feature: Feature;
}

export interface ModelInfo {
  /** Name and first digits of the manifest's SHA-256, such as `twitter-2017-3f2a91bc`. */
  readonly version: string;
  /** Of the file that holds the weights, where it is known. */
  readonly sha256?: string;
  /** Entity types the model can give. */
  readonly types: readonly string[];
  /** Foreign type to the model's type, such as OTHER to MISC; used when scoring other data. */
  readonly labelMap: Readonly<Record<string, string>>;
  readonly precision: "fp32" | "int8" | "fp16";
  /** Execution provider really in use, such as `cpu`. */
  readonly provider: string;
}

/** Fills the port `tagger@1`: encoder, CRF and calibration in one. */
export interface Tagger {
  readonly model: ModelInfo;
  /** One outcome for each input, in order. Inputs are queued, sorted by length and batched inside. */
  tag(inputs: readonly TagInput[], signal: AbortSignal): Promise<readonly Outcome<Tagged>[]>;
  /** The same without the features, where that is less work. */
  taggings?(inputs: readonly TagInput[], signal: AbortSignal): Promise<readonly Outcome<Tagging>[]>;
  /** Present where the tagger can be trained. */
  readonly learner?: TaggerLearner;
}

export interface TrainPlan {
  /** Entity types to learn, in the order of their tags. */
  readonly types: readonly string[];
  readonly seed: number;
  /** Optimiser steps of the whole run; the learning-rate schedule ends there. */
  readonly steps: number;
  /** The learner's own options, from `train.learner` of the config; validated by the learner, strictly. */
  readonly options: unknown;
}

export interface TaggerLearner {
  start(plan: TrainPlan): Promise<TrainingRun>;
}

/** A training run in progress. Its state is a function of plan and batches alone: same seed, same weights, bit for bit. */
export interface TrainingRun {
  /** One optimiser step; answers the mean loss per post, in nats. Throws the fault NOT_A_NUMBER if the loss is not finite, leaving the weights as they were. */
  learn(batch: readonly GoldInput[], signal: AbortSignal): Promise<number>;
  /** Tags with the weights as they stand now. */
  tag(inputs: readonly TagInput[], signal: AbortSignal): Promise<readonly Outcome<Tagged>[]>;
  /** Fits the temperature on held-out posts with the weights as they stand; answers the temperature. */
  calibrate(posts: readonly GoldInput[], signal: AbortSignal): Promise<number>;
  /** Writes weights, moments and step count, so that `restore` continues bit for bit, also in a later process. */
  checkpoint(folder: string): Promise<void>;
  restore(folder: string): Promise<void>;
  /** Writes what a tagger opens: models, tokenizer, CRF, calibration (not the card, the profile or the manifest: those are the trainer's). */
  save(folder: string, options: SaveOptions): Promise<void>;
  close(): Promise<void>;
}

export interface SaveOptions {
  /** Name of the model, the first part of its version. */
  readonly name?: string;
  readonly precisions: readonly ("fp32" | "int8")[];
  readonly labelMap: Readonly<Record<string, string>>;
}

export const tagger = definePort<Tagger>("tagger@1");

/** What a tagger says of each input, for whoever wants no features. */
export async function taggingsBy(
  tagger: Tagger,
  inputs: readonly TagInput[],
  signal: AbortSignal,
): Promise<readonly Outcome<Tagging>[]> {
  if (tagger.taggings) return tagger.taggings(inputs, signal);
  const outcomes = await tagger.tag(inputs, signal);
  return outcomes.map((outcome) => mapOk(outcome, ({ tagging }) => tagging));
}
