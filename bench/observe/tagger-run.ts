import { join } from "node:path";
import { parseConfigText } from "../../src/config/index.ts";
import { runPipeline } from "../../src/flow/run.ts";
import { createMetrics } from "../../src/metrics/index.ts";
import { openPipeline } from "../../src/open.ts";
import { planConfig } from "../../src/plan.ts";
import { startScraper } from "./scraper.ts";
import { treeCpuSeconds } from "./tree-cpu.ts";

interface Run {
  readonly input: string;
  readonly model: string;
  readonly measured: boolean;
}

/** The pipeline of config/default.yaml, from file to file. */
export async function taggerRun(folder: string, { input, model, measured }: Run) {
  const toFile = (name: string) => ({ use: "sink-file", options: { path: join(folder, name) } });
  const config = {
    window: 512,
    source: { use: "source-file", options: { path: input } },
    resources: { tagger: { use: "tagger-onnx", options: { model } } },
    stages: [
      { use: "draft", batch: 32, cost: 16_000, waitMs: 5, concurrency: 10 },
      { use: "final", batch: 32, cost: 16_000, waitMs: 5, concurrency: 4 },
    ],
    sink: toFile("events.ndjson"),
    deadLetters: toFile("dead.ndjson"),
  };
  const plan = await planConfig(parseConfigText(JSON.stringify(config), "bench.yaml", process.env));
  const metrics = measured ? createMetrics({ version: "bench" }) : undefined;
  const pipeline = await openPipeline(plan, { ...metrics });
  metrics?.opened(pipeline);
  const scraper = metrics && (await startScraper(metrics));
  const cpu = treeCpuSeconds();
  const start = performance.now();
  const { emitted } = await runPipeline(pipeline, {
    signal: new AbortController().signal,
    ...(metrics && { observe: metrics.observe }),
  });
  const seconds = (performance.now() - start) / 1000;
  const cpuSeconds = treeCpuSeconds() - cpu;
  const page = metrics === undefined ? "" : (await metrics.show()).body;
  const scrapes = (await scraper?.end()) ?? [];
  await pipeline.close();
  const series = page.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  return { emitted, seconds, cpuSeconds, scrapes, series };
}
