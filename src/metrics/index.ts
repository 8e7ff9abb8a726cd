import type { Page } from "../serve/page.ts";
import type { Metrics } from "./metrics.ts";

export { catalogue, type Definition, type Measure, type MeasureName, type MetricName, measures } from "./catalogue.ts";
export { createMetrics, type Metrics } from "./metrics.ts";

/** `/metrics`, in the format that the scraper asks for. */
export const metricsPage =
  ({ show }: Pick<Metrics, "show">) =>
  async (accept?: string): Promise<Page> => ({ status: 200, ...(await show(accept)) });
