import { type Dashboard, quantile, rate } from "./panel.ts";

const duration = "gen_ai_client_operation_duration_seconds";
const model = "gen_ai_request_model";

export const llm: Dashboard = {
  uid: "starling-llm",
  title: "Starling: language models and money",
  panels: [
    {
      title: "Spent in the last 24 hours",
      about: "US dollars in the last 24 hours.",
      unit: "currencyUSD",
      kind: "number",
      queries: [["sum by (model) (increase(ner_llm_cost_usd_total[24h]))", "{{model}}"]],
    },
    {
      title: "Left of the budget",
      about: "US dollars; days end at midnight UTC.",
      unit: "currencyUSD",
      kind: "number",
      queries: [["min by (model) (ner_llm_budget_remaining_usd)", "{{model}}"]],
    },
    {
      title: "Circuit",
      about: "1 while nothing is sent, because too many calls failed.",
      unit: "none",
      kind: "number",
      queries: [["max by (model) (ner_llm_circuit_open)", "{{model}}"]],
    },
    {
      title: "Dollars per 1000 posts",
      about: "Over the last hour.",
      unit: "currencyUSD",
      kind: "number",
      queries: [["1000 * sum(increase(ner_llm_cost_usd_total[1h])) / sum(increase(ner_events_total[1h]))", ""]],
    },
    {
      title: "Dollars per hour",
      about: "By model.",
      unit: "currencyUSD",
      queries: [["3600 * sum by (model) (rate(ner_llm_cost_usd_total[$__rate_interval]))", "{{model}}"]],
    },
    {
      title: "Calls per second",
      about: "By model, and by the fault where one failed.",
      unit: "reqps",
      queries: [[rate(`${duration}_count`, `${model}, error_type`), `{{${model}}} {{error_type}}`]],
    },
    {
      title: "Duration of calls",
      about: "Of those that were answered.",
      unit: "s",
      queries: [0.5, 0.95].map((q) => [quantile(q, duration, model, '{error_type=""}'), `{{${model}}} p${100 * q}`]),
    },
    {
      title: "Tokens per second",
      about: "Read and written.",
      unit: "short",
      stacked: true,
      queries: [
        [rate("gen_ai_client_token_usage_sum", `${model}, gen_ai_token_type`), `{{${model}}} {{gen_ai_token_type}}`],
      ],
    },
    {
      title: "Where answers come from",
      about: "Questions by second: a cache, a question under way, or the model.",
      unit: "reqps",
      stacked: true,
      queries: [[rate("ner_llm_cache_requests_total", "result"), "{{result}}"]],
    },
    {
      title: "Calls sent again",
      about: "By the reason.",
      unit: "reqps",
      queries: [[rate("ner_llm_retries_total", "reason"), "{{reason}}"]],
    },
  ],
};
