export { readAnswer } from "./answer.ts";
export { type DriftSection, driftSchema } from "./config.ts";
export { tellLines } from "./lines.ts";
export { driftMetrics, metricsOf } from "./metrics.ts";
export { reportPage } from "./page.ts";
export { readReference } from "./reference.ts";
export { openDrift } from "./run.ts";
export type { Told } from "./tell.ts";
export { tellWorker, workerCounters } from "./worker.ts";
