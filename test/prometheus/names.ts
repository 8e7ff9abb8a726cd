import { driftMetrics } from "../../src/drift/metrics.ts";
import { catalogue, createMetrics, type Definition, type Metrics, measures } from "../../src/metrics/index.ts";

const suffixes = { histogram: ["_bucket", "_sum", "_count"], counter: [""], gauge: [""] } as const;
/** What Prometheus adds to every series. */
const always = ["instance", "job"];

/** Metrics that hold every one of the catalogue, as soon as they are shown. */
export function exampleMetrics(): Metrics {
  const metrics = createMetrics({ version: "1", ready: () => true });
  const told = metrics.measure as (name: string, value: number, labels: object) => void;
  for (const name of Object.keys(measures)) told(name, 1, {});
  metrics.opened({ source: {}, resources: new Map() });
  metrics.observe.started?.({
    counts: { read: 1, passed: {}, failed: {} },
    inFlight: 1,
    oldestSeconds: 0,
    window: 1,
    stages: [],
  });
  return metrics;
}

/** Every series that a worker, `starling drift` or a recording rule may have, with its labels. */
export async function knownSeries(recorded: Readonly<Record<string, readonly string[]>>) {
  const known = new Map<string, ReadonlySet<string>>();
  const add = (name: string, labels: readonly string[]) => known.set(name, new Set([...labels, ...always]));
  for (const [name, { type, labels = [] }] of Object.entries(catalogue) as [string, Definition][])
    for (const suffix of suffixes[type]) add(name + suffix, suffix === "_bucket" ? [...labels, "le"] : labels);
  for (const [name, labels] of Object.entries(driftMetrics)) add(name, labels);
  for (const [, name] of (await exampleMetrics().show()).body.matchAll(/^# TYPE (\w+) (?!histogram)/gm))
    if (!known.has(name!)) add(name!, []);
  for (const [name, labels] of Object.entries(recorded)) add(name, labels);
  // Prometheus' own, of each scrape.
  add("up", []);
  return known;
}

/** The series and the labels that an expression of PromQL names. */
export function namesIn(expr: string): { series: string[]; labels: string[] } {
  const bare = expr.replaceAll(/"[^"]*"/g, '""');
  const selectors = Array.from(bare.matchAll(/\{([^}]*)\}/g), ([, inside]) => inside!);
  const lists = Array.from(bare.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g), ([, inside]) => inside!);
  return {
    series: Array.from(
      bare.matchAll(/\b(?:up|(?:ner|gen_ai|nodejs|process)[_:][\w:]*)(?=[^\w:(,)]|\)|$)/g),
      ([name]) => name!,
    ).filter((name) => !lists.some((list) => list.split(/,\s*/).includes(name))),
    labels: [
      ...selectors.flatMap((s) => s.match(/\w+(?=\s*[=!])/g) ?? []),
      ...lists.flatMap((l) => l.match(/\w+/g) ?? []),
    ],
  };
}
