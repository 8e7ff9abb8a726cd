/**
 * Revision 0 while the language model takes two seconds: a worker in a process of its own drafts every post, asks about
 * all of them, and tags each again when its knowledge has come. Its capacity is measured first; then it gets half of
 * that, evenly, and each post is timed from the moment it was due to its first and to its last event.
 * `npm run bench -- two-phase [CONFIG]`
 */
import { feedEvenly, measureCapacity, quantile, startWorker, warmedUp } from "./support/worker.ts";

const TARGET_MS = 100;

export default async function (options: { scale: number; args: readonly string[] }): Promise<Record<string, unknown>> {
  const config = options.args[0] ?? "bench/two-phase/pipeline.yaml";
  const seconds = Math.max(4, 30 * options.scale);
  const worker = startWorker(config);
  try {
    if (!(await warmedUp(worker))) return { bench: "two-phase", ratio: null, config, skipped: worker.said() };
    const capacity = await measureCapacity(worker, seconds);
    const { first, last } = await feedEvenly(worker, capacity / 2, seconds);
    const [p50, p99, worst] = [0.5, 0.99, 1].map((share) => quantile(first, share));
    const [lastP50, lastP99] = [0.5, 0.99].map((share) => quantile(last, share));
    console.log(`${config}: ${Math.round(capacity)} posts per second at most`);
    console.log(
      `at half of that, ${first.length} posts, revision 0: p50 ${p50} ms, p99 ${p99} ms, longest ${worst} ms`,
    );
    console.log(`revision 1: p50 ${lastP50} ms, p99 ${lastP99} ms`);
    return {
      bench: "two-phase",
      ratio: p99! / TARGET_MS,
      wanted: 1,
      p99Ms: p99,
      p50Ms: p50,
      maxMs: worst,
      lastP50Ms: lastP50,
      lastP99Ms: lastP99,
      targetMs: TARGET_MS,
      capacityPerSecond: Math.round(capacity),
      posts: first.length,
      config,
    };
  } finally {
    await worker.end();
  }
}
