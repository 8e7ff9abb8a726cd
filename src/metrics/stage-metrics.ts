import type { Registry } from "prom-client";
import type { BatchReport, Said } from "../flow/types.ts";
import { named } from "./catalogue.ts";
import { createHistogram, type HistogramSeries } from "./histogram.ts";
import { boundedLabel } from "./labels.ts";

/** Queue and compute of each stage; posts of a batch that came together are one observation with a weight. */
export function stageMetrics(registry: Registry): (report: BatchReport) => void {
  const queue = createHistogram(registry, named("ner_stage_queue_seconds"));
  const compute = createHistogram(registry, named("ner_stage_duration_seconds"));
  const [stageLabel, pluginLabel] = [boundedLabel(), boundedLabel()];
  const byStage = new Map<string, ReturnType<typeof seriesOf>>();
  const seriesOf = (stage: string, plugin: string) => {
    const labels = [stageLabel(stage), pluginLabel(plugin)] as const;
    const kept = new Map<string, { queue: HistogramSeries | undefined; compute: HistogramSeries }>();
    return (outcome: Said | "quick") => {
      let series = kept.get(outcome);
      if (series === undefined) {
        series = {
          queue: outcome === "quick" ? undefined : queue.of(...labels, outcome),
          compute: compute.of(...labels, outcome),
        };
        kept.set(outcome, series);
      }
      return series;
    };
  };

  return ({ stage, plugin, quick, size, startedAt, posts, said, computeSeconds }) => {
    let of = byStage.get(stage);
    if (of === undefined) {
      of = seriesOf(stage, plugin);
      byStage.set(stage, of);
    }
    if (quick) return of("quick").compute.observe(0, size);
    for (let from = 0, at = 1; at <= said.length; at++) {
      if (said[at] === said[from] && posts[at]!.arrivedAt === posts[from]!.arrivedAt) continue;
      const { queue, compute } = of(said[from]!);
      queue?.observe((startedAt - posts[from]!.arrivedAt) / 1000, at - from);
      compute.observe(computeSeconds, at - from);
      from = at;
    }
  };
}
