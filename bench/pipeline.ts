/**
 * Posts through the whole pipeline with a stage that does nothing: NDJSON file in, every post validated, EntityEvents
 * as an NDJSON file out. Beside it, in turns, bare JSON.parse and JSON.stringify of the same lines.
 * Posts per second are per second of processor time, all threads together: what one core does, whoever else uses the machine.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pass } from "starling-ner";
import sinkFile from "../plugins/sink-file/index.ts";
import sourceFile from "../plugins/source-file/index.ts";
import { runPipeline } from "../src/flow/run.ts";
import type { OpenStage } from "../src/flow/types.ts";
import { testHost } from "../src/testing/index.ts";
import { median, postLines } from "./posts.ts";

const TARGET = 150_000;
const ROUNDS = 9;

const empty: OpenStage = {
  name: "empty",
  plugin: { name: "empty", needs: [], uses: [], gives: [] },
  stage: { run: async (batch) => batch.map(() => pass("nothing")) },
  flow: { batch: 256, waitMs: 5, concurrency: 2, timeoutMs: 10_000, onFail: "divert" },
};

export default async function (options: { scale: number }): Promise<Record<string, unknown>> {
  const count = Math.round(200_000 * options.scale);
  const folder = await mkdtemp(join(tmpdir(), "starling-bench-"));
  try {
    const input = join(folder, "posts.ndjson");
    await writeFile(input, `${postLines(count).join("\n")}\n`);
    // Not kept between rounds: a large live heap would be charged to the pipeline's garbage collection.
    const bytesPerPost = postLines(1000).join("\n").length / 1000;
    const pipeline: Spent[] = [];
    const bare: Spent[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const rounds = [
        await spent(() => throughPipeline(input, folder, count)),
        await bareRound(Math.min(count, 50_000)),
      ];
      if (round === 0) continue; // warming up
      pipeline.push(rounds[0]!);
      bare.push(rounds[1]!);
    }
    const rate = (spent: readonly Spent[], kind: keyof Spent, posts: number) =>
      Math.round(posts / median(spent.map((s) => s[kind])));
    const postsPerSecond = rate(pipeline, "cpuSeconds", count);
    const barePerSecond = rate(bare, "cpuSeconds", Math.min(count, 50_000));
    const wall = rate(pipeline, "wallSeconds", count);
    console.log(`pipeline: ${postsPerSecond} posts per second of one core (${wall} by the clock), wanted ${TARGET}`);
    console.log(`bare JSON.parse and JSON.stringify of the same lines: ${barePerSecond}`);
    return {
      bench: "pipeline",
      postsPerSecond,
      ratio: Number((postsPerSecond / barePerSecond).toFixed(3)),
      target: TARGET,
      barePerSecond,
      wallPostsPerSecond: wall,
      bytesPerPost: Math.round(bytesPerPost),
      posts: count,
      rounds: ROUNDS,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function throughPipeline(input: string, folder: string, count: number): Promise<void> {
  const host = testHost();
  const source = await sourceFile.open(sourceFile.options.parse({ path: input }), host);
  const sink = await sinkFile.open(sinkFile.options.parse({ path: join(folder, "events.ndjson") }), host);
  const deadLetters = await sinkFile.open(sinkFile.options.parse({ path: join(folder, "dead.ndjson") }), host);
  const pipeline = { source, sink, deadLetters, stages: [empty], window: 1024, version: "bench" };
  const { emitted } = await runPipeline(pipeline, { signal: new AbortController().signal });
  await Promise.all([source.close?.(), sink.close?.(), deadLetters.close?.()]);
  if (emitted !== count) throw new Error(`${emitted} of ${count} posts came through`);
}

async function bareRound(count: number): Promise<Spent> {
  const lines = postLines(count);
  let length = 0;
  return spent(async () => {
    for (const line of lines) length += JSON.stringify(JSON.parse(line)).length;
    if (length === 0) throw new Error("nothing was written");
  });
}

interface Spent {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

async function spent(work: () => Promise<void>): Promise<Spent> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { cpuSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - start) / 1000 };
}
