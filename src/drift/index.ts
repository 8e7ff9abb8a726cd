export { type DriftSection, driftSchema } from "./config.ts";
export { tellLines } from "./lines.ts";
export { driftMetrics, metricsOf } from "./metrics.ts";
export { reportPage } from "./page.ts";
export { openDrift } from "./run.ts";
export type { Told } from "./tell.ts";
