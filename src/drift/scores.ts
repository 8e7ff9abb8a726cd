import { jensenShannon, noiseOf } from "./divergence.ts";
import type { Counted } from "./population.ts";
import { counterOf, type Feature, type Reference } from "./population.ts";

/** How far a window of posts is from the reference in one feature. */
export interface DriftScore {
  readonly feature: Feature;
  /** Jensen-Shannon divergence, in bits, 0 to 1. */
  readonly score: number;
  /** What it may be by chance, or what is too small to matter. */
  readonly threshold: number;
  readonly buckets: readonly string[];
  readonly reference: readonly number[];
  readonly live: readonly number[];
}

/** Differences below are too small to matter, however many posts tell of them. */
const MATTERS: Readonly<Record<Feature, number>> = {
  types: 0.004,
  types_by_shape: 0.007,
  mentions: 0.006,
  confidence: 0.006,
  words: 0.01,
  unknown_words: 0.003,
  language: 0.02,
  images: 0.01,
  caption_characters: 0.02,
  knowledge_characters: 0.02,
};

/** Words and mentions of one post go together. */
const SPREAD = 1.2;
const perPost: ReadonlySet<Feature> = new Set(["mentions", "words", "language", "images"]);

/** Posts of a window, and the fewest that are looked at. */
export const WINDOW_POSTS = 1000;
export const LEAST_POSTS = 500;

/** Counts of fewer tell nothing. */
export const LEAST = 100;

/** Features of which the window holds fewer than a hundred are left out. */
export function driftScores(
  window: readonly Counted[],
  references: readonly Reference[],
  thresholds: Readonly<Partial<Record<Feature, number>>> = {},
): DriftScore[] {
  return references.flatMap((reference) => {
    const counts = new Array<number>(reference.buckets.length).fill(0);
    const count = counterOf(reference);
    for (const event of window) count(event, counts);
    const live = counts.reduce((sum, one) => sum + one, 0);
    return live < LEAST ? [] : [scoreOf(reference, counts, live, thresholds[reference.feature])];
  });
}

/** Of counts in the buckets of the reference, `live` in all. */
export function scoreOf(reference: Reference, counts: readonly number[], live: number, given?: number): DriftScore {
  const { feature, buckets, shares, counted } = reference;
  const used = buckets.filter((_, i) => counts[i]! > 0 || shares[i]! > 0).length;
  const spread = perPost.has(feature) ? 1 : SPREAD;
  const noise = noiseOf({ buckets: used, live, reference: counted, spread });
  return {
    feature,
    score: jensenShannon(counts, shares),
    threshold: given ?? MATTERS[feature] + noise,
    buckets,
    reference: shares,
    live: counts.map((one) => one / live),
  };
}
