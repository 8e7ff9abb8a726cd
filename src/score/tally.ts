import type { Mention } from "../facts.ts";

/** Counts of exact spans: what a model and a person agree on, what the model said, what the person marked. They add. */
export interface Tally {
  readonly correct: number;
  readonly predicted: number;
  readonly gold: number;
}

/** All 0 to 1. Where nothing was predicted precision is 0, where there is no gold recall is 0: as seqeval has it. */
export interface Prf {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export const empty: Tally = { correct: 0, predicted: 0, gold: 0 };

export const add = (a: Tally, b: Tally): Tally => ({
  correct: a.correct + b.correct,
  predicted: a.predicted + b.predicted,
  gold: a.gold + b.gold,
});

export const sum = (tallies: Iterable<Tally>): Tally => {
  let total = empty;
  for (const tally of tallies) total = add(total, tally);
  return total;
};

/** Precision, recall and their harmonic mean. */
export function prf({ correct, predicted, gold }: Tally): Prf {
  const precision = predicted > 0 ? correct / predicted : 0;
  const recall = gold > 0 ? correct / gold : 0;
  // 2pr / (p + r), without its division by zero
  return { precision, recall, f1: predicted + gold > 0 ? (2 * correct) / (predicted + gold) : 0 };
}

export const keyOf = ({ start, end, type }: Mention): string => `${start} ${end} ${type}`;

/** Tally of one post: a mention is correct where start, end and type are all equal. */
export function tallyOf(predicted: readonly Mention[], gold: readonly Mention[]): Tally {
  const keys = new Set(gold.map(keyOf));
  return {
    correct: predicted.filter((mention) => keys.has(keyOf(mention))).length,
    predicted: predicted.length,
    gold: gold.length,
  };
}

/** A tally for every type that occurs on either side. */
export function tallyByType(predicted: readonly Mention[], gold: readonly Mention[]): Map<string, Tally> {
  const ofType = (mentions: readonly Mention[], type: string): Mention[] => mentions.filter((m) => m.type === type);
  const types = new Set([...predicted, ...gold].map((mention) => mention.type));
  return new Map([...types].map((type) => [type, tallyOf(ofType(predicted, type), ofType(gold, type))]));
}
