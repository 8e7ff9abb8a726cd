import {
  bootstrapF1,
  empty,
  type Interval,
  type Prf,
  prf,
  sum,
  type Tally,
  tallyByType,
  tallyOf,
} from "../score/index.ts";
import type { Calibration } from "../train/profile.ts";
import type { HourSum, Kept } from "./emitted.ts";
import { estimate } from "./estimate.ts";
import type { Labelled } from "./labels.ts";

/** Precision, recall and F1 of one model over one window; 0 to 1. */
export interface Evaluation extends Prf {
  readonly source: "labelled" | "estimated";
  /** Such as `24h` or `last_2000`. */
  readonly window: string;
  readonly model: string;
  /** An entity type, or `all`; a type of that name is `type:all`. */
  readonly type: string;
  readonly posts: number;
  /** Entities that people marked; of an estimate those that the model expects. */
  readonly support: number;
  /** Whether the support is enough for the figures to mean something. */
  readonly enough: boolean;
  /** Of F1, 95%; of labels only. */
  readonly interval?: Interval;
}

/** Stands for all types together. */
const ALL = "all";

/** An entity type under a name that does not mean all of them: what a label says must not stand in for the sum. */
export const typeName = (type: string): string => (type === ALL ? "type:all" : type);

/** Models and types told apart in one window; what is beyond has the smallest support. */
const MOST_MODELS = 4;
const MOST_TYPES = 32;

const scaled = ({ correct, predicted, gold }: Tally, by: number): Tally => ({
  correct: correct * by,
  predicted: predicted * by,
  gold: gold * by,
});

export interface WindowOf<T> {
  readonly window: string;
  readonly items: readonly T[];
}

/**
 * Exact-span scores of labelled posts, micro and by type, for each model. A post counts as often as its weight says, so
 * that labels that were picked by hand do not bend the score. The interval draws whole posts again.
 */
export function evaluateLabels(
  { window, items }: WindowOf<Labelled>,
  support: number,
  byType: "by type" | "all" = "by type",
): Evaluation[] {
  return [...grouped(items, ({ model }) => model)].slice(0, MOST_MODELS).flatMap(([model, posts]) => {
    const told = { source: "labelled", window, model } as const;
    const all = posts.map((post) => ({ tally: tallyOf(post.predicted, post.gold), weight: post.weight }));
    const micro: Evaluation = { ...told, type: ALL, ...scoreOf(all, support) };
    if (byType === "all") return [micro];
    const each = posts.map((post) => ({ tallies: tallyByType(post.predicted, post.gold), weight: post.weight }));
    return [
      micro,
      ...typesOf(posts).map((type) => ({
        ...told,
        type: typeName(type),
        ...scoreOf(
          each.map(({ tallies, weight }) => ({ tally: tallies.get(type) ?? empty, weight })),
          support,
        ),
      })),
    ];
  });
}

interface Weighted {
  readonly tally: Tally;
  readonly weight: number;
}

function scoreOf(posts: readonly Weighted[], least: number) {
  const weighted = posts.map(({ tally, weight }) => scaled(tally, weight));
  const support = sum(posts.map(({ tally }) => tally)).gold;
  const enough = support >= least;
  const interval = enough ? { interval: bootstrapF1(weighted, { rounds: posts.length > 3000 ? 200 : 500 }) } : {};
  return { ...prf(sum(weighted)), posts: posts.length, support, enough, ...interval };
}

/** Those with most marked entities first. */
function typesOf(posts: readonly Labelled[]): string[] {
  const counts = new Map<string, number>();
  for (const { gold, predicted } of posts) {
    for (const { type } of predicted) counts.set(type, counts.get(type) ?? 0);
    for (const { type } of gold) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST_TYPES);
  return most.map(([type]) => type).sort();
}

export function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Estimates of each model from sums; `support` is the expected number of entities. */
export function evaluateSums(
  window: string,
  sums: readonly HourSum[],
  calibration: Calibration,
  least: number,
): Evaluation[] {
  return [...sums]
    .sort((a, b) => b.posts - a.posts)
    .slice(0, MOST_MODELS)
    .map(({ model, posts, ...counts }) => {
      const support = counts.gold * calibration.gold;
      const told = { source: "estimated", window, model, type: ALL, posts, support } as const;
      return { ...told, enough: support >= least, ...estimate(counts, calibration) };
    });
}

/** Sums of the posts of which the model told what it expects. */
export function sumsOf(posts: readonly Kept[]): HourSum[] {
  const told = posts.filter(({ expected }) => expected !== undefined);
  return [...grouped(told, ({ model }) => model)].map(([model, group]) => ({
    model,
    posts: group.length,
    predicted: group.reduce((total, { entities }) => total + entities.length, 0),
    correct: group.reduce((total, { expected }) => total + expected!.correct, 0),
    gold: group.reduce((total, { expected }) => total + expected!.gold, 0),
  }));
}

/**
 * Expected calibration error of the entities of labelled posts, 0 to 1: the mean distance of confidence and share of
 * right ones in ten bins. Undefined below `least` entities.
 */
export function calibrationError(posts: readonly Labelled[], least: number): number | undefined {
  const bins = Array.from({ length: 10 }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (const { predicted, gold } of posts)
    for (const entity of predicted) {
      const bin = bins[Math.min(9, Math.floor(entity.confidence * 10))]!;
      bin.count++;
      bin.confidence += entity.confidence;
      bin.right += tallyOf([entity], gold).correct;
    }
  const count = bins.reduce((total, bin) => total + bin.count, 0);
  if (count < least) return undefined;
  return bins.reduce((error, { confidence, right }) => error + Math.abs(confidence - right) / count, 0);
}

/** Median, in seconds, of how long after its event a label was made; undefined without labels. */
export function labelDelay(posts: readonly Labelled[]): number | undefined {
  const delays = posts.map(({ at, labelled }) => Math.max(0, labelled - at) / 1000).sort((a, b) => a - b);
  return delays[delays.length >> 1];
}
