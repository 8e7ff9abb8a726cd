import { setTimeout as sleep } from "node:timers/promises";
import { type Metrics, metricsPage } from "../../src/metrics/index.ts";
import { startServer } from "../../src/serve/server.ts";

const FIRST_MS = 500;
/** More often than any Prometheus asks. */
const EVERY_MS = 2000;

/** Asks for the metrics all along; answers how long each scrape took, from request to last byte, in milliseconds. */
export async function startScraper(metrics: Metrics) {
  const server = await startServer({ port: 0, host: "127.0.0.1" }, { "/metrics": metricsPage(metrics) });
  const accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
  const took: number[] = [];
  const stop = new AbortController();
  const wait = (ms: number) => sleep(ms, undefined, { signal: stop.signal }).catch(() => {});
  const asking = (async () => {
    await wait(FIRST_MS);
    while (!stop.signal.aborted) {
      const start = performance.now();
      await (await fetch(`${server.url}/metrics`, { headers: { accept } })).text();
      took.push(Number((performance.now() - start).toFixed(1)));
      await wait(EVERY_MS);
    }
  })();
  return {
    async end() {
      stop.abort();
      await asking;
      await server.close();
      return took;
    },
  };
}
