import { collectDefaultMetrics, Registry } from "prom-client";

/** Gauges of prom-client under names of counters; the same by kind stay. */
const misnamed = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** A registry with `process_*` and `nodejs_*`: processor time, memory, delays of the event loop, garbage collection. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  return registry;
}
