/** Posts through a stage ten times slower than their source: memory must stay flat, and the posts in flight within the window. */
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Delivery, decodePost, ok, type Sink, type Source } from "starling-ner";
import { runPipeline } from "../src/flow/run.ts";
import type { OpenStage } from "../src/flow/types.ts";
import { postLine } from "./posts.ts";

const WINDOW = 512;
/** 100,000 posts a second, against 10,000 of the stage. */
const SOURCE_CHUNK = 1000;
const SOURCE_MS = 10;
const STAGE_BATCH = 100;
const STAGE_MS = 10;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Heap and buffers that are really in use, in MB. */
function memoryMB(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

const slow: OpenStage = {
  name: "slow",
  plugin: { name: "slow", needs: [], uses: [], gives: [] },
  stage: {
    run: async (batch) => {
      await sleep(STAGE_MS);
      return batch.map(() => ok({}));
    },
  },
  flow: { batch: STAGE_BATCH, waitMs: 5, concurrency: 1, timeoutMs: 10_000, onFail: "divert" },
};

export default async function (options: { scale: number }): Promise<Record<string, unknown>> {
  const count = Math.round(200_000 * options.scale);
  const samples: number[] = [];
  let written = 0;
  const sink: Sink = {
    async write(batch) {
      const before = Math.floor((written * 10) / count);
      written += batch.length;
      if (Math.floor((written * 10) / count) > before) samples.push(memoryMB());
      return batch.map(() => ok(undefined));
    },
  };
  const start = performance.now();
  const pipeline = {
    source: sourceOf(count),
    sink,
    deadLetters: sink,
    stages: [slow],
    window: WINDOW,
    version: "bench",
  };
  const summary = await runPipeline(pipeline, { signal: new AbortController().signal });
  const seconds = (performance.now() - start) / 1000;
  const [heapStartMB, heapEndMB, heapPeakMB] = [samples[0]!, samples.at(-1)!, Math.max(...samples)].map(round);
  console.log(
    `${summary.emitted} posts in ${round(seconds)} s; at most ${summary.peakInFlight} of ${WINDOW} in flight`,
  );
  console.log(`memory in use after each tenth: ${samples.map(round).join(" ")} MB`);
  return {
    bench: "backlog",
    ratio: summary.peakInFlight / WINDOW,
    heapStartMB,
    heapEndMB,
    heapPeakMB,
    posts: summary.emitted,
    seconds: round(seconds),
  };
}

const round = (value: number) => Math.round(value * 100) / 100;

const sourceOf = (count: number): Source => ({
  async *read() {
    for (let at = 0; at < count; at += SOURCE_CHUNK) {
      yield Array.from({ length: Math.min(SOURCE_CHUNK, count - at) }, (_, i) => deliveryOf(at + i));
      await sleep(SOURCE_MS);
    }
  },
});

function deliveryOf(index: number): Delivery {
  const line = postLine(index);
  const origin = { lane: "bench", offset: String(index), bytes: () => Buffer.from(line) };
  return { post: decodePost(line, { where: () => `post ${index}` }), origin, settle() {} };
}
