import type { Mention } from "../facts.ts";
import type { Outcome } from "../outcome.ts";
import { prf, score, type Tally } from "../score/index.ts";
import type { GoldInput, Tagged, TagInput } from "../tagger.ts";

/** Exact-span scores, 0 to 100, with the number of gold mentions behind them. */
export interface Points {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly gold: number;
}

export interface Scores extends Points {
  readonly types: Readonly<Record<string, Points>>;
}

const rounded = (share: number): number => Math.round(share * 1e6) / 1e4;

const points = (tally: Tally): Points => {
  const { precision, recall, f1 } = prf(tally);
  return { precision: rounded(precision), recall: rounded(recall), f1: rounded(f1), gold: tally.gold };
};

/** Micro and per-type scores of predictions against the gold of the same posts. */
export function scoreTagged(posts: readonly GoldInput[], predicted: readonly (readonly Mention[])[]): Scores {
  const scored = posts.map(({ words, gold }, i) => ({ words, gold, predicted: predicted[i]! }));
  const { micro, types } = score(scored, { rounds: 1 });
  return { ...points(micro), types: Object.fromEntries([...types].map(([type, tally]) => [type, points(tally)])) };
}

type Tag = (inputs: readonly TagInput[], signal: AbortSignal) => Promise<readonly Outcome<Tagged>[]>;

/**
 * Tags labelled posts with everything they hold. One that cannot be tagged fails the whole: a score without it would
 * flatter the model.
 */
export async function tagAll(tag: Tag, posts: readonly GoldInput[], signal: AbortSignal): Promise<Tagged[]> {
  const outcomes = await tag(posts, signal);
  return outcomes.map((outcome) => {
    if (outcome.kind === "ok") return outcome.value;
    throw outcome.kind === "fail"
      ? outcome.error
      : new Error(`the tagger passed on a labelled post: ${outcome.reason}`);
  });
}
