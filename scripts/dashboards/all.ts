import { drift } from "./drift.ts";
import { kafka } from "./kafka.ts";
import { llm } from "./llm.ts";
import { toGrafana } from "./panel.ts";
import { slo } from "./slo.ts";
import { stages } from "./stages.ts";

export const dashboards = [slo, stages, kafka, llm, drift];

/** Name and contents of each file of deploy/grafana/dashboards. */
export const dashboardFiles = (): [string, string][] =>
  dashboards.map((one) => [`${one.uid}.json`, `${JSON.stringify(toGrafana(one), null, 1)}\n`]);
