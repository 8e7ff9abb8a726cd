import { type Metric, Registry } from "prom-client";

/** Series of one metric, at most; what comes later is counted together, with `other` for every label. */
export const MOST_SERIES = 200;

export interface Row {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly exemplar?: unknown;
}

export interface Shown {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** Asked at each scrape. */
  values(): readonly Row[];
}

/** Puts a metric of our own into a registry of prom-client, which asks a metric for no more than this. */
export function register(registry: Registry, { values, ...shown }: Shown): void {
  const metric = { ...shown, get: async () => ({ ...shown, values: values(), aggregator: "sum" }), reset() {} };
  registry.registerMetric(metric as unknown as Metric);
}

/**
 * What a registry holds as OpenMetrics, where alone exemplars are shown. prom-client would rename the counters of a registry
 * for good when it writes them so; these are renamed in passing.
 */
export async function asOpenMetrics(registry: Registry): Promise<string> {
  const open = new Registry();
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  for (const data of await registry.getMetricsAsJSON()) {
    const name = (data.type as unknown) === "counter" ? data.name.replace(/_total$/, "") : data.name;
    open.registerMetric({ ...data, name, get: async () => ({ ...data, name }), reset() {} } as unknown as Metric);
  }
  return open.metrics();
}
