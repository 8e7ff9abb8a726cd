import { parseConfigText } from "../../src/config/index.ts";
import { runPipeline } from "../../src/flow/run.ts";
import type { RunSummary } from "../../src/flow/types.ts";
import { openPipeline } from "../../src/open.ts";
import { planConfig } from "../../src/plan.ts";
import type { Spent } from "../kafka.ts";
import { stopwatch } from "./stopwatch.ts";

/** Runs a config, as `starling run` does, until `count` posts are answered. */
export async function runUntil(config: object, count: number): Promise<Spent> {
  const plan = await planConfig(parseConfigText(JSON.stringify(config), "bench.yaml", process.env));
  const pipeline = await openPipeline(plan);
  const stop = new AbortController();
  const watch = stopwatch(count);
  const running = runPipeline(pipeline, {
    signal: stop.signal,
    observe: {
      batch: () => watch.begin(),
      written: (records) =>
        watch.add(records.filter(({ record, final }) => final && record.schema === "starling.entities/1").length),
    },
  });
  const summary: RunSummary | Spent = await Promise.race([watch.finished, running]);
  stop.abort();
  const { emitted } = await running;
  await pipeline.close();
  if (emitted < count) throw new Error(`${emitted} of ${count} posts came through: ${JSON.stringify(summary)}`);
  return watch.finished;
}

export const fromKafka = (address: string, topic: string, group: string) => ({
  resources: { broker: { use: "log-kafkajs", options: { brokers: [address] } } },
  source: { use: "source-kafka", options: { client: "broker", topics: [topic], group, from: "earliest" } },
});

export const toKafka = (topic: string) => ({ use: "sink-kafka", options: { client: "broker", topic } });
