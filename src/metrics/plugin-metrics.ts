import type { Registry } from "prom-client";
import type { Count } from "../host.ts";
import { catalogue, type Definition, type Measure, measures, named } from "./catalogue.ts";
import { createHistogram, type HistogramParts } from "./histogram.ts";
import { boundedLabel, isMetricName } from "./labels.ts";
import { createNumbers, type NumberParts, type Numbers } from "./numbers.ts";

/** Counters of plugins, at most; the rest is counted together. */
const MOST_COUNTERS = 200;

/** `host.count` of all plugins: a counter for each name, made when it is first told. */
export function pluginCounts(registry: Registry): Count {
  const counters = new Map<string, Numbers>();
  const dropped = createNumbers(registry, named("ner_plugin_counts_dropped_total"));
  const counterOf = (name: string): Numbers | undefined => {
    const known = counters.get(name);
    if (known !== undefined) return known;
    const taken = counters.size >= MOST_COUNTERS || registry.getSingleMetric(name) !== undefined;
    // A name of the catalogue would be a lie of its own, also where nothing has told it yet.
    if (taken || !isMetricName(name) || Object.hasOwn(catalogue, name)) return undefined;
    const fresh = createNumbers(registry, {
      name,
      help: "Counted by a plugin; its README tells more.",
      type: "counter",
    });
    counters.set(name, fresh);
    return fresh;
  };
  return (name, by) => {
    const counter = counterOf(name);
    if (counter === undefined) dropped.add(1);
    else counter.add(by);
  };
}

type Told = (value: number, labels: Readonly<Record<string, string>>) => void;

/** `host.measure` of all plugins; a name that is not in the catalogue is left out. */
export function pluginMeasures(registry: Registry): Measure {
  const told = new Map<string, Told>();
  return (name, value, ...[labels = {}]) => {
    let tell = told.get(name);
    if (tell === undefined) {
      if (!Object.hasOwn(measures, name)) return;
      tell = teller(registry, name, measures[name]);
      told.set(name, tell);
    }
    tell(value, labels);
  };
}

function teller(registry: Registry, name: string, { labels = [], ...definition }: Definition): Told {
  const bounded = labels.map((label) => [label, boundedLabel()] as const);
  const valuesOf = (given: Readonly<Record<string, string>>) => bounded.map(([label, bound]) => bound(given[label]));
  if (definition.type === "histogram") {
    const histogram = createHistogram(registry, { name, labels, ...definition } as HistogramParts);
    return (value, given) => histogram.of(...valuesOf(given)).observe(value);
  }
  const numbers = createNumbers(registry, { name, labels, ...definition } as NumberParts);
  return definition.type === "counter"
    ? (value, given) => numbers.add(value, ...valuesOf(given))
    : (value, given) => numbers.set(value, ...valuesOf(given));
}
