import { shortName } from "../metrics/labels.ts";
import type { DriftSection } from "./config.ts";
import { eventsKept, hourSums, type Kept, newestEvents } from "./emitted.ts";
import { calibrationError, type Evaluation, evaluateLabels, evaluateSums, labelDelay, sumsOf } from "./evaluate.ts";
import { history, type Point } from "./history.ts";
import { newestLabels } from "./labels.ts";
import { type Agreement, disagreement } from "./observation.ts";
import type { ModelReference } from "./reference.ts";
import { type DriftScore, driftScores, LEAST } from "./scores.ts";
import type { Store } from "./store.ts";
import type { Counts } from "./watch.ts";

const HOUR_MS = 3_600_000;
/** Labels of one window, at most: the newest. */
const MOST_LABELS = 10_000;

export interface Telling {
  readonly section: DriftSection;
  readonly reference: ModelReference;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** How far two lists of entities differ, 0 to 1, over the newest posts. */
export interface Disagreement {
  readonly pair: "draft_final" | "llm_final";
  readonly score: number;
  readonly posts: number;
}

/** All that is known now. */
export interface Told {
  readonly schema: "starling.drift/1";
  readonly at: number;
  /** Of the newest event. */
  readonly model: string;
  readonly reference: { readonly version: string | null; readonly f1: Readonly<Record<string, number>> };
  readonly events: { readonly ever: number; readonly stored: number };
  readonly evaluations: readonly Evaluation[];
  readonly labels: readonly LabelWindow[];
  readonly drift: readonly DriftScore[];
  readonly disagreement: readonly Disagreement[];
  readonly history: readonly Point[];
  /** What cannot be told, and why. */
  readonly notes: readonly string[];
  /** Without `feedback` where the config has none. */
  readonly counts: Pick<Counts, "events"> & Partial<Pick<Counts, "feedback">>;
  /** Labels whose event has not come. */
  readonly waiting: number;
}

export interface LabelWindow {
  readonly window: string;
  readonly model: string;
  readonly labels: number;
  /** Median from event to label, in seconds. */
  readonly delaySeconds: number | null;
  readonly calibrationError: number | null;
}

type Now = Omit<Told, "counts" | "waiting">;

export function tell(store: Store, telling: Telling): Now {
  const { section, reference, now } = telling;
  const { ever, stored } = eventsKept(store);
  const newest = newestEvents(store, Math.max(section.posts, section.population.posts));
  const model = newest.at(-1)?.model ?? "none";
  const labels = [
    { window: `${section.hours}h`, items: newestLabels(store, MOST_LABELS, now - section.hours * HOUR_MS) },
    { window: lastOf(section), items: newestLabels(store, section.posts) },
  ];
  return {
    schema: "starling.drift/1",
    at: now,
    model,
    reference: { version: reference.version ?? null, f1: reference.f1 },
    events: { ever, stored },
    evaluations: [
      ...labels.flatMap((window) => evaluateLabels(window, section.support)),
      ...estimates(store, newest, telling),
    ],
    labels: labels.flatMap(({ window, items }) =>
      [...new Set(items.map((one) => one.model))].slice(0, 4).map((of) => {
        const mine = items.filter((one) => one.model === of);
        const delaySeconds = labelDelay(mine) ?? null;
        const error = calibrationError(mine, section.support) ?? null;
        return { window, model: of, labels: mine.length, delaySeconds, calibrationError: error };
      }),
    ),
    drift: populationNow(newest, model, telling),
    disagreement: disagreements(newest.slice(-section.posts)),
    history: history(store),
    notes: [...reference.notes, ...mismatch(model, reference)],
  };
}

const lastOf = ({ posts }: DriftSection) => `last_${posts}`;

const mismatch = (model: string, { version }: ModelReference): string[] =>
  version === undefined || model === "none" || model === version
    ? []
    : [
        `the events are of ${shortName(model)}, and the reference is ${version}: name the folder of that model in drift.model`,
      ];

/** Over whole hours, so that what came in the oldest one counts or not as a whole; and over the newest posts. */
function estimates(store: Store, newest: readonly Kept[], { section, reference, now }: Telling): Evaluation[] {
  const { calibration } = reference;
  return [
    ...evaluateSums(`${section.hours}h`, hourSums(store, now - section.hours * HOUR_MS), calibration, section.support),
    ...evaluateSums(lastOf(section), sumsOf(newest.slice(-section.posts)), calibration, section.support),
  ];
}

/** Posts of the newest model alone: a mixture of two drifts from either. Nothing below half a window. */
function populationNow(newest: readonly Kept[], model: string, { section, reference }: Telling): DriftScore[] {
  const { posts, thresholds } = section.population;
  const window = newest.slice(-posts).filter((event) => event.model === model);
  return window.length < posts / 2 ? [] : driftScores(window, reference.population, thresholds);
}

function disagreements(posts: readonly Kept[]): Disagreement[] {
  const found = (pair: Disagreement["pair"], lists: readonly (Agreement | undefined)[]): Disagreement[] => {
    const told = lists.filter((one) => one !== undefined);
    const total = told.reduce(plus, { both: 0, first: 0, second: 0 });
    if (total.first + total.second < LEAST) return [];
    return [{ pair, score: disagreement(total), posts: told.length }];
  };
  return [
    ...found(
      "draft_final",
      posts.map(({ draft }) => draft),
    ),
    ...found(
      "llm_final",
      posts.map(({ llm }) => llm),
    ),
  ];
}

const plus = (a: Agreement, b: Agreement): Agreement => ({
  both: a.both + b.both,
  first: a.first + b.first,
  second: a.second + b.second,
});

/** The state as a point of the report. */
export function pointOf(store: Store, telling: Telling): Point {
  const { section, reference } = telling;
  const { ever, newestAt } = eventsKept(store);
  const newest = newestEvents(store, Math.max(section.posts, section.population.posts));
  const model = newest.at(-1)?.model ?? "none";
  const ofModel = (evaluation: Evaluation) => evaluation.model === model && evaluation.type === "all";
  // A point shows what the newest posts are like, so its window is the smaller one.
  const recent = newest.slice(-section.population.posts);
  const estimated = evaluateSums("", sumsOf(recent), reference.calibration, section.support).find(ofModel);
  const items = newestLabels(store, section.posts);
  const labelled = evaluateLabels({ window: "", items }, section.support, "all").find(ofModel);
  return {
    posts: ever,
    at: newestAt,
    model,
    ...(estimated?.enough && { estimated: rounded(estimated.f1) }),
    ...(labelled?.interval && {
      labelled: {
        f1: rounded(labelled.f1),
        low: rounded(labelled.interval.low),
        high: rounded(labelled.interval.high),
        support: labelled.support,
      },
    }),
    drift: Object.fromEntries(
      populationNow(newest, model, telling).map((one) => [one.feature, [rounded(one.score), rounded(one.threshold)]]),
    ),
    types: sharesOf(recent),
    disagreement: Object.fromEntries(disagreements(recent).map(({ pair, score }) => [pair, rounded(score)])),
  };
}

const rounded = (value: number) => Math.round(value * 1e5) / 1e5;

function sharesOf(posts: readonly Kept[]): Record<string, number> {
  const types = posts.flatMap(({ entities }) => entities.map(({ type }) => type));
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
  return Object.fromEntries([...counts].sort().map(([type, count]) => [type, rounded(count / types.length)]));
}
