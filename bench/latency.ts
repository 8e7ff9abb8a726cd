/**
 * From post to event: a worker in a process of its own reads posts from its standard input and writes events to its
 * standard output. Its capacity is measured first; then it gets half of that, evenly, and each post is timed from the
 * moment it was due (so that a late feeder counts against the result) to the arrival of its event.
 * `npm run bench -- latency [CONFIG]`
 */
import { feedEvenly, measureCapacity, quantile, startWorker, warmedUp } from "./support/worker.ts";

const TARGET_MS = 100;

export default async function (options: { scale: number; args: readonly string[] }): Promise<Record<string, unknown>> {
  const config = options.args[0] ?? "config/default.yaml";
  const seconds = Math.max(2, 20 * options.scale);
  const worker = startWorker(config);
  try {
    if (!(await warmedUp(worker))) return { bench: "latency", ratio: null, config, skipped: worker.said() };
    const capacity = await measureCapacity(worker, seconds);
    const { last: latencies } = await feedEvenly(worker, capacity / 2, seconds);
    const [p50, p99, worst] = [0.5, 0.99, 1].map((share) => quantile(latencies, share));
    console.log(`${config}: ${Math.round(capacity)} posts per second at most`);
    console.log(`at half of that, ${latencies.length} posts: p50 ${p50} ms, p99 ${p99} ms, longest ${worst} ms`);
    return {
      bench: "latency",
      ratio: p99! / TARGET_MS,
      p99Ms: p99,
      p50Ms: p50,
      maxMs: worst,
      targetMs: TARGET_MS,
      capacityPerSecond: Math.round(capacity),
      posts: latencies.length,
      config,
    };
  } finally {
    await worker.end();
  }
}
