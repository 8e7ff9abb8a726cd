/** Every metric of a worker but those of Node and of plugins' own counters. docs/metrics.md and a test hold the same list. */

export interface Definition {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels?: readonly string[];
  /** Upper bounds of a histogram, rising. */
  readonly buckets?: readonly number[];
}

/** Bounds that a service level may name stand among them: 0.1, 0.5, 1, 2.5, 5, 10. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const AGES = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400];
const SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];
/** As the OpenTelemetry conventions for generative AI advise. */
const CALL_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const CALL_TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];

/** What the core sees by itself. */
const ofCore = {
  ner_events_total: { type: "counter", help: "Posts whose last record is durable.", labels: ["outcome"] },
  ner_event_duration_seconds: {
    type: "histogram",
    help: "From reading a post to the acknowledgement of its last record.",
    buckets: SECONDS,
  },
  ner_event_age_seconds: {
    type: "histogram",
    help: "From the post's own time (createdAt, else when the log took it) to the acknowledgement of its last record.",
    buckets: AGES,
  },
  ner_stage_queue_seconds: {
    type: "histogram",
    help: "How long each post waited for its batch to start.",
    labels: ["stage", "plugin", "outcome"],
    buckets: SECONDS,
  },
  ner_stage_duration_seconds: {
    type: "histogram",
    help: "How long the batch of each post ran; outcome quick was answered without one.",
    labels: ["stage", "plugin", "outcome"],
    buckets: SECONDS,
  },
  ner_stage_inflight: { type: "gauge", help: "Posts in a batch that runs.", labels: ["stage"] },
  ner_stage_queue_depth: { type: "gauge", help: "Posts that wait for a batch.", labels: ["stage"] },
  ner_stage_errors_total: {
    type: "counter",
    help: "Posts that a stage, the source or the sink failed.",
    labels: ["stage", "error_type"],
  },
  ner_stage_skipped_total: {
    type: "counter",
    help: "Posts to which a stage had nothing to add.",
    labels: ["stage", "reason"],
  },
  ner_posts_read_total: { type: "counter", help: "Posts taken from the source." },
  ner_posts_inflight: { type: "gauge", help: "Posts read and not yet settled." },
  ner_posts_window: { type: "gauge", help: "Posts that may be read and not yet settled." },
  ner_entities_total: { type: "counter", help: "Entities of last events.", labels: ["type"] },
  ner_entity_confidence: {
    type: "histogram",
    help: "Calibrated confidence of the entities of last events.",
    labels: ["type"],
    buckets: SHARES,
  },
  ner_eval_predicted_total: {
    type: "counter",
    help: "Entities of last events; with the two below, F1 can be estimated.",
    labels: ["model_version"],
  },
  ner_eval_expected_correct_total: {
    type: "counter",
    help: "Of these, how many the model expects to be right.",
    labels: ["model_version"],
  },
  ner_eval_expected_gold_total: {
    type: "counter",
    help: "Entities that the model expects in the posts of last events.",
    labels: ["model_version"],
  },
  ner_kafka_consumer_lag_messages: {
    type: "gauge",
    help: "Records of assigned partitions behind the committed offset.",
    labels: ["topic", "partition"],
  },
  ner_llm_circuit_open: { type: "gauge", help: "1 while no calls are sent.", labels: ["model"] },
  ner_llm_budget_remaining_usd: {
    type: "gauge",
    help: "US dollars left of the day's budget.",
    labels: ["model"],
  },
  ner_ready: { type: "gauge", help: "1 while /ready says yes." },
  ner_build_info: { type: "gauge", help: "1.", labels: ["version"] },
  ner_model_info: {
    type: "gauge",
    help: "1; provider is the execution provider really in use.",
    labels: ["model_version", "sha256", "provider", "precision"],
  },
  ner_plugin_counts_dropped_total: {
    type: "counter",
    help: "Counts of plugins whose name is no metric name, or came after the 200th.",
  },
} as const satisfies Record<string, Definition>;

/** What only a plugin can tell, by `host.measure`. */
const ofPlugins = {
  ner_encoder_batch_size: {
    type: "histogram",
    help: "Rows of one run of the encoder.",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  },
  ner_encoder_tokens_total: { type: "counter", help: "Sub-words that the encoder read.", labels: ["kind"] },
  ner_encoder_truncated_total: {
    type: "counter",
    help: "Sub-words left out of the encoder's input.",
    labels: ["kind"],
  },
  ner_kafka_rebalances_total: { type: "counter", help: "Assignments of partitions to this member." },
  gen_ai_client_operation_duration_seconds: {
    type: "histogram",
    help: "Calls of a language model; error_type is empty where it answered.",
    labels: ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type"],
    buckets: CALL_SECONDS,
  },
  gen_ai_client_token_usage: {
    type: "histogram",
    help: "Tokens of one call of a language model.",
    labels: ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type"],
    buckets: CALL_TOKENS,
  },
  ner_llm_cache_requests_total: { type: "counter", help: "Questions by where the answer was.", labels: ["result"] },
  ner_llm_cost_usd_total: { type: "counter", help: "US dollars spent.", labels: ["model"] },
  ner_llm_retries_total: { type: "counter", help: "Calls that were sent again.", labels: ["reason"] },
} as const satisfies Record<string, Definition>;

export const measures = ofPlugins;
export const catalogue = { ...ofCore, ...ofPlugins };

export type MetricName = keyof typeof catalogue;
export type MeasureName = keyof typeof ofPlugins;
type LabelName<N extends MeasureName> = (typeof ofPlugins)[N] extends { labels: readonly (infer L extends string)[] }
  ? L
  : never;

/**
 * Tells a figure that the core cannot see. A counter adds `value`, a gauge becomes it, a histogram takes it as one
 * observation. Values of labels come from small fixed sets: never an id, a user, a text or a URL.
 */
export type Measure = <N extends MeasureName>(
  name: N,
  value: number,
  ...labels: [LabelName<N>] extends [never] ? [] : [labels: Readonly<Record<LabelName<N>, string>>]
) => void;

/** A definition with its name. */
export const named = <N extends MetricName>(name: N) => ({ name, ...catalogue[name] });
