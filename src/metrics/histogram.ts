import type { Registry } from "prom-client";
import { MOST_SERIES, register } from "./registered.ts";

export interface HistogramSeries {
  /** Counts `value` `times` times; what is not a number is left out, and what is below 0 counts as 0: a clock went back. */
  observe(value: number, times?: number): void;
  /** Shows the bucket of `value` an example; only the last one is kept. */
  exemplify(value: number, traceId: string): void;
}

export interface HistogramParts {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets: readonly number[];
}

export interface Histogram {
  /** The series of these values, in the order of the labels; kept by whoever observes often. */
  of(...values: readonly string[]): HistogramSeries;
}

interface Example {
  readonly labelSet: { readonly trace_id: string };
  readonly value: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/**
 * A histogram that takes an observation with a weight: posts that were handled together cost as much as one. prom-client's
 * own looks its series up by a string for each observation, and counts one at a time.
 */
export function createHistogram(registry: Registry, { name, help, labels = [], buckets }: HistogramParts): Histogram {
  const all = new Map<string, ReturnType<typeof createSeries>>();
  register(registry, {
    name,
    help,
    type: "histogram",
    values: () => [...all.values()].flatMap((series) => series.values(name)),
  });
  return {
    of(...given) {
      const values = all.size < MOST_SERIES || all.has(given.join("\n")) ? given : labels.map(() => "other");
      const key = values.join("\n");
      let series = all.get(key);
      if (series === undefined) {
        series = createSeries(Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ""])), buckets);
        all.set(key, series);
      }
      return series;
    },
  };
}

function createSeries(labels: Readonly<Record<string, string>>, bounds: readonly number[]) {
  const counts = new Float64Array(bounds.length + 1);
  const examples: (Example | undefined)[] = new Array(bounds.length + 1).fill(undefined);
  let sum = 0;
  const bucketOf = (value: number): number => {
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    return at;
  };
  return {
    observe(value: number, times = 1) {
      if (!Number.isFinite(value)) return;
      const counted = Math.max(value, 0);
      counts[bucketOf(counted)]! += times;
      sum += counted * times;
    },
    exemplify(value: number, traceId: string) {
      if (!Number.isFinite(value)) return;
      examples[bucketOf(value)] = { labelSet: { trace_id: traceId }, value, timestamp: Date.now() / 1000 };
    },
    values(name: string) {
      let total = 0;
      const rows = [...bounds, "+Inf"].map((le, i) => {
        total += counts[i]!;
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total, exemplar: examples[i] };
      });
      return [
        ...rows,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: total },
      ];
    },
  };
}
