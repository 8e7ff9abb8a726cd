import { Counter, Gauge, Registry } from "prom-client";
import { boundedLabel } from "../metrics/labels.ts";
import type { Told } from "./tell.ts";
import { eventCounts, labelCounts } from "./watch.ts";

/** Every metric of `starling drift`, with its labels; all values of labels are bounded. */
export const driftMetrics = {
  ner_eval_f1: ["source", "type", "window", "model_version"],
  ner_eval_precision: ["source", "type", "window", "model_version"],
  ner_eval_recall: ["source", "type", "window", "model_version"],
  ner_eval_support: ["source", "type", "window", "model_version"],
  ner_eval_f1_lower: ["source", "type", "window", "model_version"],
  ner_eval_f1_upper: ["source", "type", "window", "model_version"],
  ner_eval_reference_f1: ["type", "model_version"],
  ner_eval_label_delay_seconds: ["window", "model_version"],
  ner_eval_labels: ["window", "model_version"],
  ner_calibration_error: ["window", "model_version"],
  ner_drift_score: ["feature", "method"],
  ner_drift_threshold: ["feature", "method"],
  ner_drift_events_total: ["result"],
  ner_drift_feedback_total: ["result"],
  ner_drift_waiting_labels: [],
  ner_drift_stored_events: [],
} as const satisfies Record<string, readonly string[]>;

type Name = keyof typeof driftMetrics;

const help: Readonly<Record<Name, string>> = {
  ner_eval_f1: "F1 of exact spans, 0 to 1; labelled only above the minimum support",
  ner_eval_precision: "Precision of exact spans, 0 to 1",
  ner_eval_recall: "Recall of exact spans, 0 to 1",
  ner_eval_support: "Entities that people marked, or that the model expects",
  ner_eval_f1_lower: "Lower bound of the 95% interval of labelled F1",
  ner_eval_f1_upper: "Upper bound of the 95% interval of labelled F1",
  ner_eval_reference_f1: "F1 of the model when it was made",
  ner_eval_label_delay_seconds: "Median time from event to label",
  ner_eval_labels: "Labelled posts in the window",
  ner_calibration_error: "Mean distance of confidence and share of right entities, 0 to 1",
  ner_drift_score: "Distance of the newest posts from the model's reference, 0 to 1",
  ner_drift_threshold: "Distance above which it counts as drift",
  ner_drift_events_total: "Events read, by what became of them",
  ner_drift_feedback_total: "Labels read, by what became of them",
  ner_drift_waiting_labels: "Labels whose event has not come",
  ner_drift_stored_events: "Events that are kept for labels to come, labelled ones too",
};

/**
 * The metrics of one answer, and of the process where it has a registry, in the text format of Prometheus. The answer has
 * a registry of its own: what is told no more is gone.
 */
export async function metricsOf(
  told: Told,
  ofProcess?: Registry,
): Promise<{ readonly type: string; readonly body: string }> {
  const registry = new Registry();
  const set = gauges(registry);
  for (const { source, type, window, model, ...one } of told.evaluations) {
    const labels = { source, type, window, model_version: model };
    set("ner_eval_support", labels, one.support);
    if (!one.enough) continue;
    set("ner_eval_f1", labels, one.f1);
    set("ner_eval_precision", labels, one.precision);
    set("ner_eval_recall", labels, one.recall);
    if (one.interval === undefined) continue;
    set("ner_eval_f1_lower", labels, one.interval.low);
    set("ner_eval_f1_upper", labels, one.interval.high);
  }
  for (const [type, f1] of Object.entries(told.reference.f1))
    set("ner_eval_reference_f1", { type, model_version: told.reference.version ?? "none" }, f1);
  for (const { window, model, labels, delaySeconds, calibrationError } of told.labels) {
    const of = { window, model_version: model };
    set("ner_eval_labels", of, labels);
    if (delaySeconds !== null) set("ner_eval_label_delay_seconds", of, delaySeconds);
    if (calibrationError !== null) set("ner_calibration_error", of, calibrationError);
  }
  for (const { feature, score, threshold } of told.drift) {
    set("ner_drift_score", { feature, method: "jensen_shannon" }, score);
    set("ner_drift_threshold", { feature, method: "jensen_shannon" }, threshold);
  }
  for (const { pair, score } of told.disagreement)
    set("ner_drift_score", { feature: pair, method: "disagreement" }, score);
  set("ner_drift_waiting_labels", {}, told.waiting);
  set("ner_drift_stored_events", {}, told.events.stored);
  counters(registry, told);
  return { type: registry.contentType, body: `${await registry.metrics()}${(await ofProcess?.metrics()) ?? ""}` };
}

/** Types and versions come from outside: they are made to fit, as in the metrics of a worker. */
function gauges(registry: Registry) {
  const made = new Map<string, Gauge>();
  const bounded = new Map<string, ReturnType<typeof boundedLabel>>();
  const fitting = (label: string, value: string) => {
    const known = bounded.get(label) ?? boundedLabel();
    bounded.set(label, known);
    return known(value);
  };
  return (name: Name, labels: Readonly<Record<string, string>>, value: number) => {
    const labelNames = [...driftMetrics[name]];
    const gauge = made.get(name) ?? new Gauge({ name, help: help[name], labelNames, registers: [registry] });
    made.set(name, gauge);
    gauge.set(Object.fromEntries(Object.entries(labels).map(([label, said]) => [label, fitting(label, said)])), value);
  };
}

function counters(registry: Registry, { counts }: Told): void {
  for (const [name, results, kinds] of [
    ["ner_drift_events_total", counts.events, eventCounts],
    ["ner_drift_feedback_total", counts.feedback, labelCounts],
  ] as const) {
    if (results === undefined) continue;
    const counter = new Counter({ name, help: help[name], labelNames: ["result"], registers: [registry] });
    // An increase can be told only of what began at 0.
    for (const result of kinds) counter.inc({ result }, (results as Record<string, number>)[result] ?? 0);
  }
}
