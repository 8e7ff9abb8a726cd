import type { DriftSection } from "./config.ts";
import { evaluateSums } from "./evaluate.ts";
import type { Reference } from "./population.ts";
import type { ModelReference } from "./reference.ts";
import { type DriftScore, scoreOf } from "./scores.ts";
import type { Told } from "./tell.ts";

/** The counters of a worker that are read here. They add over workers, and begin anew when one starts. */
export const workerCounters = {
  predicted: "ner_eval_predicted_total",
  correct: "ner_eval_expected_correct_total",
  gold: "ner_eval_expected_gold_total",
  entities: "ner_entities_total",
  confidence: "ner_entity_confidence_bucket",
  events: "ner_events_total",
} as const;

/** What the metrics of a worker tell of drift: sums since it started, of all its posts. `text` is Prometheus' format. */
export function tellWorker(text: string, { reference, section, now }: WorkerParts): Told {
  const samples = samplesOf(text);
  const of = (name: keyof typeof workerCounters) => samples.filter((one) => one.name === workerCounters[name]);
  const byModel = (name: keyof typeof workerCounters) =>
    new Map(of(name).map(({ labels, value }) => [labels.model_version ?? "", value]));
  const [predicted, correct, gold] = [byModel("predicted"), byModel("correct"), byModel("gold")];
  const posts = of("events").reduce((sum, { value }) => sum + value, 0);
  const sums = [...predicted].map(([model, count]) => ({
    ...{ model, posts, predicted: count, correct: correct.get(model) ?? 0, gold: gold.get(model) ?? 0 },
  }));
  return {
    ...{ schema: "starling.drift/1", at: now, model: sums[0]?.model ?? "none" },
    reference: { version: reference.version ?? null, f1: reference.f1 },
    events: { ever: posts, stored: 0 },
    evaluations: evaluateSums("since the start", sums, reference.calibration, section.support),
    ...{ labels: [], disagreement: [], history: [], waiting: 0, counts: { events: {} } },
    drift: reference.population.flatMap((one) => driftOf(one, of("entities"), of("confidence"))),
    notes: [
      ...reference.notes,
      "these are sums of one worker since it started: starling drift has windows, labels and all features",
      ...(sums.length === 0 ? ["the worker tells no expected counts: F1 cannot be estimated"] : []),
    ],
  };
}

export interface WorkerParts {
  readonly reference: ModelReference;
  readonly section: Pick<DriftSection, "support">;
  readonly now: number;
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function samplesOf(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (name === undefined || !Number.isFinite(Number(value))) return [];
    const pairs = labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
    return [
      { name, labels: Object.fromEntries(Array.from(pairs, ([, key, said]) => [key, said])), value: Number(value) },
    ];
  });
}

/** Of the features of the reference a worker counts these two. */
function driftOf(one: Reference, entities: readonly Sample[], confidence: readonly Sample[]): DriftScore[] {
  const counts = one.feature === "types" ? typeCounts(one, entities) : confidenceCounts(one, confidence);
  const live = counts.reduce((sum, count) => sum + count, 0);
  return live > 0 && ["types", "confidence"].includes(one.feature) ? [scoreOf(one, counts, live)] : [];
}

const typeCounts = ({ buckets }: Reference, entities: readonly Sample[]): number[] => {
  const counts = new Array<number>(buckets.length).fill(0);
  for (const { labels, value } of entities) {
    const found = buckets.indexOf(labels.type ?? "");
    counts[found < 0 ? buckets.length - 1 : found]! += value;
  }
  return counts;
};

/** Prometheus counts up to each bound, the reference between them. */
function confidenceCounts({ buckets }: Reference, samples: readonly Sample[]): number[] {
  const upTo = (bound: string) =>
    samples.filter(({ labels }) => labels.le === bound).reduce((sum, { value }) => sum + value, 0);
  const bounds = buckets.map((bucket) => (bucket.startsWith("< ") ? bucket.slice(2) : "+Inf"));
  return bounds.map((bound, i) => Math.max(0, upTo(bound) - (i === 0 ? 0 : upTo(bounds[i - 1]!))));
}
