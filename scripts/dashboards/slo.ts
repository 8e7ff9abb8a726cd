import { type Dashboard, quantile, rate } from "./panel.ts";

export const slo: Dashboard = {
  uid: "starling-slo",
  title: "Starling: service level",
  panels: [
    {
      title: "Done within 2.5 s",
      about: "Share of posts of the last hour; the objective is 99 %.",
      unit: "percentunit",
      kind: "number",
      queries: [["1 - ner:events_slow:ratio_rate1h", "1 h"]],
    },
    {
      title: "Posts per second",
      about: "Posts whose last record is durable.",
      unit: "reqps",
      kind: "number",
      queries: [["sum(rate(ner_events_total[$__rate_interval]))", ""]],
    },
    {
      title: "Dead letters",
      about: "Share of posts of the last half hour that could not be handled.",
      unit: "percentunit",
      kind: "number",
      queries: [["ner:events_dead:ratio_rate30m", ""]],
    },
    {
      title: "Workers",
      about: "Processes that are scraped, by version, and how many of them are ready.",
      unit: "short",
      kind: "number",
      queries: [
        ["count by (version) (ner_build_info)", "{{version}}"],
        ["sum(ner_ready)", "ready"],
      ],
    },
    {
      title: "Burn rate of the latency budget",
      about: "1 spends a month's budget in a month; 14.4 over an hour pages, and so does 6 over six hours.",
      unit: "short",
      queries: [
        ["ner:events_slow:ratio_rate5m / 0.01", "5 m"],
        ["ner:events_slow:ratio_rate1h / 0.01", "1 h"],
        ["ner:events_slow:ratio_rate6h / 0.01", "6 h"],
        ["ner:events_slow:ratio_rate3d / 0.01", "3 d"],
      ],
    },
    {
      title: "From reading to writing",
      about: "How long posts take inside the worker, acknowledgement of the sink included.",
      unit: "s",
      queries: [0.5, 0.95, 0.99].map((q) => [quantile(q, "ner_event_duration_seconds"), `p${100 * q}`]),
    },
    {
      title: "Age of events",
      about: "From the post's own time to its event: what a reader of the stream feels.",
      unit: "s",
      queries: [0.5, 0.95].map((q) => [quantile(q, "ner_event_age_seconds"), `p${100 * q}`]),
    },
    {
      title: "Outcomes",
      about: "Degraded events lack what a stage should have added.",
      unit: "reqps",
      stacked: true,
      queries: [[rate("ner_events_total", "outcome"), "{{outcome}}"]],
    },
    {
      title: "Posts in flight",
      about: "Read and not yet settled; at the window, reading waits.",
      unit: "short",
      queries: [
        ["sum by (instance) (ner_posts_inflight)", "{{instance}}"],
        ["max(ner_posts_window)", "window"],
      ],
    },
    {
      title: "Models",
      about: "Which model answers, and on which execution provider it really runs.",
      unit: "short",
      queries: [
        [
          "count by (model_version, provider, precision) (ner_model_info)",
          "{{model_version}} {{precision}} {{provider}}",
        ],
      ],
    },
  ],
};
