import { type Dashboard, quantile } from "./panel.ts";

export const kafka: Dashboard = {
  uid: "starling-kafka",
  title: "Starling: Kafka",
  panels: [
    {
      title: "Lag",
      about: "Records behind the committed offset, by topic.",
      unit: "short",
      queries: [["ner:kafka_lag:sum", "{{topic}}"]],
    },
    {
      title: "Growth of the lag",
      about: "Records per second, over five minutes: above 0, workers do not keep up.",
      unit: "short",
      queries: [["deriv(ner:kafka_lag:sum[5m])", "{{topic}}"]],
    },
    {
      title: "Lag of the partitions",
      about:
        "The ten that are furthest behind: one alone tells of a post that does not come through, or of keys that are not spread.",
      unit: "short",
      queries: [["topk(10, ner_kafka_consumer_lag_messages)", "{{topic}}/{{partition}}"]],
    },
    {
      title: "Partitions of each worker",
      about: "Assigned, and with a committed offset.",
      unit: "short",
      queries: [["count by (instance) (ner_kafka_consumer_lag_messages)", "{{instance}}"]],
    },
    {
      title: "Rebalances",
      about: "Assignments in ten minutes. Some at a deployment; otherwise members leave and come back.",
      unit: "short",
      queries: [["sum by (instance) (increase(ner_kafka_rebalances_total[10m]))", "{{instance}}"]],
    },
    {
      title: "Posts in and out",
      about: "Read from the topics, and done.",
      unit: "reqps",
      queries: [
        ["sum(rate(ner_posts_read_total[$__rate_interval]))", "read"],
        ["sum(rate(ner_events_total[$__rate_interval]))", "done"],
      ],
    },
    {
      title: "Age of events, p95",
      about: "Grows with the lag, in seconds.",
      unit: "s",
      queries: [[quantile(0.95, "ner_event_age_seconds"), "p95"]],
    },
  ],
};
