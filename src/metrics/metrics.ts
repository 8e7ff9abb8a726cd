import { Registry } from "prom-client";
import type { Observe } from "../flow/types.ts";
import type { Count } from "../host.ts";
import { type Measure, named } from "./catalogue.ts";
import { eventMetrics } from "./event-metrics.ts";
import { createNumbers } from "./numbers.ts";
import { type Observed, tellOpened } from "./opened.ts";
import { pluginCounts, pluginMeasures } from "./plugin-metrics.ts";
import { processRegistry } from "./process.ts";
import { asOpenMetrics } from "./registered.ts";
import { runMetrics } from "./run-metrics.ts";
import { stageMetrics } from "./stage-metrics.ts";

export interface Metrics {
  readonly observe: Observe;
  readonly count: Count;
  readonly measure: Measure;
  /** Tells of a pipeline that has opened: its models, its source's lag, what its resources say of themselves. */
  opened(pipeline: Observed): void;
  /** All of them, as the scraper wants them: OpenMetrics, with exemplars, or the text format of Prometheus. */
  show(accept?: string): Promise<{ readonly type: string; readonly body: string }>;
}

export interface MetricsParts {
  readonly version: string;
  /** What `/ready` says, asked at each scrape; without it nothing is told of it. */
  readonly ready?: () => boolean;
}

/** The metrics of one worker. Only this module knows prom-client; a plugin tells by its host, and the flow by `observe`. */
export function createMetrics({ version, ready }: MetricsParts): Metrics {
  const registry = processRegistry();
  const count = pluginCounts(registry);
  const observe: Observe = {
    started: (run) => runMetrics(registry, run),
    batch: stageMetrics(registry),
    written: eventMetrics(registry),
  };
  const measure = pluginMeasures(registry);
  createNumbers(registry, named("ner_build_info")).set(1, version);
  if (ready) createNumbers(registry, { ...named("ner_ready"), read: () => [[[], ready() ? 1 : 0]] });
  let showing: Promise<unknown> = Promise.resolve();

  return {
    observe,
    count,
    measure,
    opened: (pipeline) => tellOpened(registry, pipeline),
    show(accept = "") {
      const open = accept.includes("application/openmetrics-text");
      // One at a time: many scrapers at once must not make many copies at once.
      const shown = showing.then(async () => ({
        type: open ? Registry.OPENMETRICS_CONTENT_TYPE : registry.contentType,
        body: open ? await asOpenMetrics(registry) : await registry.metrics(),
      }));
      showing = shown.catch(() => {});
      return shown;
    },
  };
}
