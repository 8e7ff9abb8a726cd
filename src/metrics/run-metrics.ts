import type { Registry } from "prom-client";
import type { LiveRun } from "../flow/types.ts";
import { named } from "./catalogue.ts";
import { boundedLabel } from "./labels.ts";
import { createNumbers } from "./numbers.ts";

/** What the run counts for itself is read at each scrape, and costs nothing between. */
export function runMetrics(registry: Registry, run: LiveRun): void {
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
