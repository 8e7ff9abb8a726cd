import type { Registry } from "prom-client";
import type { Written } from "../flow/types.ts";
import type { EntityEvent } from "../schema/event.ts";
import { named } from "./catalogue.ts";
import { createHistogram } from "./histogram.ts";
import { boundedLabel } from "./labels.ts";
import { createNumbers } from "./numbers.ts";
import { traceOf } from "./trace.ts";

/** Outcomes, times and entities of posts whose last record is durable. */
export function eventMetrics(registry: Registry): (records: readonly Written[]) => void {
  const events = createNumbers(registry, named("ner_events_total"));
  for (const outcome of ["ok", "degraded", "dead_letter"]) events.add(0, outcome);
  const duration = createHistogram(registry, named("ner_event_duration_seconds")).of();
  const age = createHistogram(registry, named("ner_event_age_seconds")).of();
  const entities = entityMetrics(registry);
  const expected = expectedMetrics(registry);

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
        if (record.expected !== undefined) expected(record);
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

/** Sums that add up over posts and workers: what an F1 without labels is made of. */
function expectedMetrics(registry: Registry) {
  const predicted = createNumbers(registry, named("ner_eval_predicted_total"));
  const correct = createNumbers(registry, named("ner_eval_expected_correct_total"));
  const gold = createNumbers(registry, named("ner_eval_expected_gold_total"));
  const label = boundedLabel();
  return ({ model, entities, expected }: EntityEvent) => {
    const version = label(model);
    predicted.add(entities.length, version);
    correct.add(expected!.correct, version);
    gold.add(expected!.gold, version);
  };
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
