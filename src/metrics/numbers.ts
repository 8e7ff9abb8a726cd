import type { Registry } from "prom-client";
import { MOST_SERIES, type Row, register } from "./registered.ts";

export interface NumberParts {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly labels?: readonly string[];
  /** Asked at each scrape: label values, in the order of the labels, and the number. What was told otherwise is forgotten. */
  readonly read?: () => Iterable<readonly [labels: readonly string[], value: number]>;
}

/** Counters and gauges, by the values of their labels. */
export interface Numbers {
  add(by: number, ...values: readonly string[]): void;
  set(to: number, ...values: readonly string[]): void;
}

export function createNumbers(registry: Registry, { name, help, type, labels = [], read }: NumberParts): Numbers {
  const all = new Map<string, { readonly labels: Row["labels"]; value: number }>();
  const at = (given: readonly string[]) => {
    const values = all.size < MOST_SERIES || all.has(given.join("\n")) ? given : labels.map(() => "other");
    const key = values.join("\n");
    let row = all.get(key);
    if (row === undefined) {
      row = { labels: Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ""])), value: 0 };
      all.set(key, row);
    }
    return row;
  };
  const refresh = () => {
    if (read === undefined) return;
    all.clear();
    try {
      // Several may have become one, as "other" does.
      for (const [values, value] of read()) at(values).value += value;
    } catch {
      // A plugin that cannot tell takes its own figure from the page, and no other.
      all.clear();
    }
  };
  // Without labels there is one series, known from the start: a rate needs the 0 before the first count.
  if (labels.length === 0 && type === "counter") at([]);
  register(registry, {
    name,
    help,
    type,
    values() {
      refresh();
      return [...all.values()];
    },
  });
  return {
    add(by, ...values) {
      // A counter never falls, whatever a plugin says.
      if (by >= 0 && Number.isFinite(by)) at(values).value += by;
    },
    set(to, ...values) {
      if (Number.isFinite(to)) at(values).value = to;
    },
  };
}
