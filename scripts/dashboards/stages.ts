import { type Dashboard, quantile, rate } from "./panel.ts";

const waited = '{outcome!="quick"}';

export const stages: Dashboard = {
  uid: "starling-stages",
  title: "Starling: stages",
  panels: [
    {
      title: "Compute, p95",
      about: "How long the batches of each stage run.",
      unit: "s",
      queries: [[quantile(0.95, "ner_stage_duration_seconds", "stage", waited), "{{stage}}"]],
    },
    {
      title: "Queue, p95",
      about: "How long posts wait for a batch of each stage; above compute, the stage is the narrow place.",
      unit: "s",
      queries: [[quantile(0.95, "ner_stage_queue_seconds", "stage"), "{{stage}}"]],
    },
    {
      title: "Posts per second",
      about: "By stage and what it said of them; quick was answered without a batch.",
      unit: "reqps",
      queries: [[rate("ner_stage_duration_seconds_count", "stage, plugin, outcome"), "{{stage}} {{outcome}}"]],
    },
    {
      title: "Posts in a stage",
      about: "Waiting for a batch, and in one that runs.",
      unit: "short",
      queries: [
        ["sum by (stage) (ner_stage_queue_depth)", "{{stage}} waits"],
        ["sum by (stage) (ner_stage_inflight)", "{{stage}} runs"],
      ],
    },
    {
      title: "Failures",
      about: "By the code of the fault; docs/errors.md tells what each means.",
      unit: "reqps",
      queries: [[rate("ner_stage_errors_total", "stage, error_type"), "{{stage}} {{error_type}}"]],
    },
    {
      title: "Nothing to add",
      about: "Why stages passed posts on as they were.",
      unit: "reqps",
      queries: [[rate("ner_stage_skipped_total", "stage, reason"), "{{stage}} {{reason}}"]],
    },
    {
      title: "Rows of a run of the encoder",
      about: "Small at a low load; on a CPU one row is often fastest.",
      unit: "short",
      queries: [
        [quantile(0.5, "ner_encoder_batch_size"), "p50"],
        [quantile(0.95, "ner_encoder_batch_size"), "p95"],
      ],
    },
    {
      title: "Sub-words per second",
      about: "Read for posts, and spent on padding.",
      unit: "short",
      stacked: true,
      queries: [[rate("ner_encoder_tokens_total", "kind"), "{{kind}}"]],
    },
    {
      title: "Sub-words left out",
      about: "What did not fit the encoder's input, by where it came from.",
      unit: "short",
      queries: [[rate("ner_encoder_truncated_total", "kind"), "{{kind}}"]],
    },
    {
      title: "Entities per second",
      about: "By type.",
      unit: "reqps",
      stacked: true,
      queries: [[rate("ner_entities_total", "type"), "{{type}}"]],
    },
    {
      title: "Confidence",
      about: "Median of the calibrated confidence, by type.",
      unit: "percentunit",
      queries: [[quantile(0.5, "ner_entity_confidence", "type"), "{{type}}"]],
    },
    {
      title: "Delay of the event loop, p99",
      about: "Of the main thread, which encodes, decodes and writes; models run in processes of their own.",
      unit: "s",
      queries: [["max by (instance) (nodejs_eventloop_lag_p99_seconds)", "{{instance}}"]],
    },
    {
      title: "Processor",
      about: "Of the main process, in cores; children are not in it.",
      unit: "short",
      queries: [["sum by (instance) (rate(process_cpu_seconds_total[$__rate_interval]))", "{{instance}}"]],
    },
    {
      title: "Memory",
      about: "Of the main process; children are not in it.",
      unit: "bytes",
      queries: [["max by (instance) (process_resident_memory_bytes)", "{{instance}}"]],
    },
  ],
};
