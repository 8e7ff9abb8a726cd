import type { Registry } from "prom-client";
import type { BatchReport, LiveRun, Observe, Said, Written } from "../flow/types.ts";
import { catalogue } from "./catalogue.ts";
import { createHistogram, type HistogramSeries } from "./histogram.ts";
import { boundedLabel } from "./labels.ts";
import { createNumbers } from "./numbers.ts";
import { traceOf } from "./trace.ts";

/**
 * Metrics of what flows. A batch, and records that were written together, are told as one: posts that waited equally
 * long are one observation with a weight.
 */
export function flowMetrics(registry: Registry): Required<Observe> {
  const stages = stageMetrics(registry);
  const written = eventMetrics(registry);
  return { started: (run) => runMetrics(registry, run), batch: stages, written };
}

function stageMetrics(registry: Registry): (report: BatchReport) => void {
  const queue = createHistogram(registry, named("ner_stage_queue_seconds"));
  const compute = createHistogram(registry, named("ner_stage_duration_seconds"));
  const [stageLabel, pluginLabel] = [boundedLabel(), boundedLabel()];
  const byStage = new Map<string, ReturnType<typeof seriesOf>>();
  const seriesOf = (stage: string, plugin: string) => {
    const labels = [stageLabel(stage), pluginLabel(plugin)] as const;
    const kept = new Map<string, { queue: HistogramSeries; compute: HistogramSeries }>();
    return (outcome: Said | "quick") => {
      let series = kept.get(outcome);
      if (series === undefined) {
        series = { queue: queue.of(...labels, outcome), compute: compute.of(...labels, outcome) };
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
      queue.observe((startedAt - posts[from]!.arrivedAt) / 1000, at - from);
      compute.observe(computeSeconds, at - from);
      from = at;
    }
  };
}

function eventMetrics(registry: Registry): (records: readonly Written[]) => void {
  const events = createNumbers(registry, named("ner_events_total"));
  for (const outcome of ["ok", "degraded", "dead_letter"]) events.add(0, outcome);
  const duration = createHistogram(registry, named("ner_event_duration_seconds")).of();
  const age = createHistogram(registry, named("ner_event_age_seconds")).of();
  const entities = entityMetrics(registry);

  return (records) => {
    const now = performance.now();
    const wall = Date.now();
    let oldest: Written | undefined;
    let [ok, degraded, dead] = [0, 0, 0];
    let [readAt, together] = [0, 0];
    for (const one of records) {
      if (!one.final) continue;
      const { record, transit } = one;
      if (transit.readAt !== readAt) {
        if (together > 0) duration.observe((now - readAt) / 1000, together);
        [readAt, together] = [transit.readAt, 0];
      }
      together++;
      if (oldest === undefined || transit.readAt < oldest.transit.readAt) oldest = one;
      const time = timeOf(one);
      if (time !== undefined) age.observe((wall - time) / 1000);
      if (record.schema === "starling.dead-letter/1") dead++;
      else {
        if (record.degraded.length > 0) degraded++;
        else ok++;
        if (record.entities.length > 0) entities(record.entities);
      }
    }
    if (oldest === undefined) return;
    duration.observe((now - readAt) / 1000, together);
    events.add(ok, "ok");
    events.add(degraded, "degraded");
    events.add(dead, "dead_letter");
    // One example for all of them: reading headers is not free.
    const trace = traceOf(oldest.origin.headers);
    if (trace !== undefined) duration.exemplify((now - oldest.transit.readAt) / 1000, trace);
  };
}

/** Milliseconds since 1970. */
function timeOf({ post, origin }: Written): number | undefined {
  const said = post?.createdAt === undefined ? Number.NaN : Date.parse(post.createdAt);
  return Number.isFinite(said) ? said : origin.timestamp;
}

function entityMetrics(registry: Registry) {
  const total = createNumbers(registry, named("ner_entities_total"));
  const confidence = createHistogram(registry, named("ner_entity_confidence"));
  const label = boundedLabel();
  return (entities: readonly { readonly type: string; readonly confidence: number }[]) => {
    for (const entity of entities) {
      const type = label(entity.type);
      total.add(1, type);
      confidence.of(type).observe(entity.confidence);
    }
  };
}

/** What the run counts for itself is read at each scrape, and costs nothing between. */
function runMetrics(registry: Registry, run: LiveRun): void {
  const { counts, stages, window } = run;
  const reasons = (all: LiveRun["counts"]["passed"]) => {
    const [stage, reason] = [boundedLabel(), boundedLabel()];
    return function* () {
      for (const [name, told] of Object.entries(all))
        for (const [why, times] of Object.entries(told)) yield [[stage(name), reason(why)], times] as const;
    };
  };
  const loads = (of: "running" | "waiting") => {
    const label = boundedLabel();
    return () => stages.map((load) => [[label(load.stage)], load[of]] as const);
  };
  createNumbers(registry, { ...named("ner_stage_skipped_total"), read: reasons(counts.passed) });
  createNumbers(registry, { ...named("ner_stage_errors_total"), read: reasons(counts.failed) });
  createNumbers(registry, { ...named("ner_stage_inflight"), read: loads("running") });
  createNumbers(registry, { ...named("ner_stage_queue_depth"), read: loads("waiting") });
  createNumbers(registry, { ...named("ner_posts_read_total"), read: () => [[[], counts.read]] });
  createNumbers(registry, { ...named("ner_posts_inflight"), read: () => [[[], run.inFlight]] });
  createNumbers(registry, { ...named("ner_posts_window"), read: () => [[[], window]] });
}

const named = <N extends keyof typeof catalogue>(name: N) => ({ name, ...catalogue[name] });
