import type { Pooling } from "./batch.ts";
import type { PackedInput } from "./input.ts";
import type { Layout } from "./provider.ts";
import type { SentReplies, SentWorks } from "./wire.ts";

/** Where the graph of a model comes from. */
export type ModelSource =
  /** `pooled`: the graph is known to give the feature itself. */
  | { readonly kind: "onnx"; readonly file: string; readonly pooled: boolean }
  | { readonly kind: "hugging-face"; readonly folder: string };

/** All a child process needs to answer posts. */
export interface EngineSpec {
  readonly source: ModelSource;
  readonly layout: Layout;
  readonly crf: {
    readonly tags: number;
    readonly transitions: number[];
    readonly start: number[];
    readonly end: number[];
  };
  readonly temperature: number;
  /** Where the model's own label order differs from BIO2's: label index of each tag, -1 for a tag it does not know. */
  readonly labels: readonly number[] | undefined;
  /** Scores the graph gives for each position. */
  readonly labelCount: number;
  readonly pad: number;
  readonly firstPosition: number;
  readonly pooling: Pooling;
}

/** The rows of one post. */
export interface Work {
  readonly rows: readonly PackedInput[];
  readonly words: number;
  /** Whether the answer is to have its vector: it is most of what would cross. */
  readonly vector: boolean;
}

/** A mention with the index of its type. */
export interface FoundMention {
  readonly start: number;
  readonly end: number;
  readonly type: number;
  readonly confidence: number;
}

export interface Answer {
  readonly mentions: readonly FoundMention[];
  readonly expected: { readonly correct: number; readonly gold: number };
  /** L2-normalised; where it was asked for. */
  readonly vector?: Float32Array;
}

/** A fault as it crosses the process border. */
export interface SentFault {
  readonly code: string | undefined;
  readonly details: unknown;
  readonly message: string;
}

export type Reply = { readonly answer: Answer } | { readonly fault: SentFault };

/** What a child reports once it can answer. */
export interface Ready {
  /** The provider really in use. */
  readonly provider: string;
  /** Nodes that run on the CPU although another provider was asked for; undefined where the runtime does not tell. */
  readonly fellBack: number | undefined;
  readonly nodes: number | undefined;
  readonly batch: number;
  /** Rows of the embedding table, where known. */
  readonly vocabulary: number | undefined;
}

export type ToChild =
  | { readonly kind: "open"; readonly spec: EngineSpec }
  | { readonly kind: "work"; readonly id: number; readonly posts: SentWorks };

export type FromChild =
  | { readonly kind: "ready"; readonly ready: Ready }
  | { readonly kind: "refused"; readonly fault: SentFault }
  | {
      readonly kind: "done";
      readonly id: number;
      readonly replies: SentReplies;
      /** Rows, sub-words and sub-words of padding of each run, one after another. */
      readonly runs?: readonly number[];
    };
