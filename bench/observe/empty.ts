import { pass } from "starling-ner";
import { delivered, memorySink, memorySource, postOf } from "../../src/flow/in-memory.ts";
import { runPipeline } from "../../src/flow/run.ts";
import type { OpenStage } from "../../src/flow/types.ts";
import { createMetrics, type Metrics } from "../../src/metrics/index.ts";
import { median } from "../posts.ts";

const ROUNDS = 9;

const nothing: OpenStage = {
  name: "empty",
  plugin: { name: "empty", needs: [], uses: [], gives: [] },
  stage: { run: async (batch) => batch.map(() => pass("nothing")) },
  flow: { batch: 256, waitMs: 5, concurrency: 2, timeoutMs: 10_000, onFail: "divert" },
};

/** Posts in chunks of 256, as source-file reads them, each with its own time. */
export async function emptyRounds(count: number) {
  const on: number[] = [];
  const off: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const sides = [off, on];
    if (round % 2 === 1) sides.reverse();
    for (const side of sides) {
      const metrics = side === on ? createMetrics({ version: "bench" }) : undefined;
      const seconds = await emptyRun(count, metrics);
      if (round > 0) side.push(seconds);
    }
  }
  // The difference of neighbours: both of a pair ran under the same load.
  const differences = on.map((seconds, i) => ((seconds - off[i]!) / count) * 1e6);
  return {
    microsecondsPerPost: Number(median(differences).toFixed(2)),
    emptyPostsPerSecond: Math.round(count / median(off)),
  };
}

async function emptyRun(count: number, metrics: Metrics | undefined): Promise<number> {
  const now = new Date().toISOString();
  const posts = Array.from({ length: count }, (_, i) => {
    const post = postOf(i);
    return delivered(post.kind === "ok" ? { ...post, value: { ...post.value, createdAt: now } } : post, i);
  });
  const chunks = Array.from({ length: Math.ceil(count / 256) }, (_, i) => posts.slice(256 * i, 256 * (i + 1)));
  const pipeline = {
    source: memorySource(chunks),
    sink: { write: async (batch: readonly unknown[]) => batch.map(() => written) },
    deadLetters: memorySink().sink,
    stages: [nothing],
    window: 1024,
    version: "bench",
  };
  const cpu = process.cpuUsage();
  const { emitted } = await runPipeline(pipeline, {
    signal: new AbortController().signal,
    ...(metrics && { observe: metrics.observe }),
  });
  if (emitted !== count) throw new Error(`${emitted} of ${count} posts came through`);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1e6;
}
const written = { kind: "ok", value: undefined } as const;
