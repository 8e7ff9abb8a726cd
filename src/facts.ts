/** A word of a post: `post.text.slice(start, end) === text`, in UTF-16 units. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A span of words `[start, end)` with its entity type. */
export interface Mention {
  readonly start: number;
  readonly end: number;
  readonly type: string;
}

/** A mention that a model found; `confidence` is the calibrated probability of exactly this span and type, 0 to 1. */
export interface ScoredMention extends Mention {
  readonly confidence: number;
}

export interface Caption {
  /** Index into `post.images`. */
  readonly image: number;
  readonly text: string;
  /** Which captioner, and which model, wrote it. */
  readonly source: string;
}

export type Context = "text" | "text+captions" | "text+knowledge" | "text+captions+knowledge";

export interface Tagging {
  readonly mentions: readonly ScoredMention[];
  /** Expected counts under the model: of predicted mentions that are right, and of gold mentions. */
  readonly expected: { readonly correct: number; readonly gold: number };
  /** Words whose novelty means something (no links, handles, numbers), and those of them that the training data lacks. */
  readonly novelty?: { readonly words: number; readonly unknown: number };
  /** What the encoder read. */
  readonly context: Context;
  /** Version of the model that answered. */
  readonly model: string;
}

/** An L2-normalised sentence vector, comparable only with vectors of the same `of` and `model`. */
export interface Feature {
  readonly vector: Float32Array;
  readonly of: Context;
  readonly model: string;
}

export interface Neighbour {
  readonly id: string;
  /** Cosine similarity, -1 to 1. */
  readonly similarity: number;
}

export interface Ask {
  readonly yes: boolean;
  /** Expected gain in F1 points. */
  readonly gain: number;
  readonly reason: string;
}

export interface Knowledge {
  /** The paper's Z. */
  readonly text: string;
  readonly names: readonly { readonly text: string; readonly type: string; readonly inPost: boolean }[];
  /** Which plugin, model and prompt version wrote it. */
  readonly source: string;
  readonly usd: number;
}

/** What stages may learn about a post. A package adds its own fact by module augmentation of this interface. */
export interface Facts {
  readonly captions: readonly Caption[];
  readonly draft: Tagging;
  readonly feature: Feature;
  readonly neighbours: readonly Neighbour[];
  readonly ask: Ask;
  readonly knowledge: Knowledge;
  readonly tagging: Tagging;
}
export type Fact = keyof Facts;
