import type { Mention } from "../facts.ts";
import { type BootstrapOptions, bootstrapF1, type Interval } from "./bootstrap.ts";
import { add, empty, keyOf, sum, type Tally, tallyByType, tallyOf } from "./tally.ts";

/** One post as a model and a person marked it; both count bounds in the same unit, words or characters. */
export interface Scored {
  readonly predicted: readonly Mention[];
  readonly gold: readonly Mention[];
}

export interface Score {
  readonly posts: number;
  readonly micro: Tally;
  readonly types: ReadonlyMap<string, Tally>;
  /** 95% bootstrap interval of micro F1, 0 to 1. */
  readonly interval: Interval;
  /** Posts without gold entities, and those among them in which the model sees one. */
  readonly entityFree: { readonly posts: number; readonly flagged: number };
}

/** Exact-span scores over all posts. */
export function score(posts: readonly Scored[], options?: BootstrapOptions): Score {
  const tallies = posts.map(({ predicted, gold }) => tallyOf(predicted, gold));
  const free = posts.filter(({ gold }) => gold.length === 0);
  return {
    posts: posts.length,
    micro: sum(tallies),
    types: typesOf(posts),
    interval: bootstrapF1(tallies, options),
    entityFree: { posts: free.length, flagged: free.filter(({ predicted }) => predicted.length > 0).length },
  };
}

function typesOf(posts: readonly Scored[]): Map<string, Tally> {
  const total = new Map<string, Tally>();
  for (const { predicted, gold } of posts)
    for (const [type, tally] of tallyByType(predicted, gold)) total.set(type, add(total.get(type) ?? empty, tally));
  return new Map([...total].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A surface as it is compared with the training data. */
export const folded = (surface: string): string => surface.toLowerCase();

/**
 * Recall of gold mentions whose surface, as an entity of any type, the training data has (`seen`, folded) or lacks.
 */
export function seenAndUnseen<P extends Scored>(
  posts: readonly P[],
  seen: ReadonlySet<string>,
  surfaceOf: (post: P, mention: Mention) => string,
): Record<"seen" | "unseen", { readonly correct: number; readonly gold: number }> {
  const counts = { seen: { correct: 0, gold: 0 }, unseen: { correct: 0, gold: 0 } };
  for (const post of posts) {
    const keys = new Set(post.predicted.map(keyOf));
    for (const mention of post.gold) {
      const count = counts[seen.has(folded(surfaceOf(post, mention))) ? "seen" : "unseen"];
      count.gold++;
      if (keys.has(keyOf(mention))) count.correct++;
    }
  }
  return counts;
}
