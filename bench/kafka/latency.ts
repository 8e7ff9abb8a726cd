import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Admin } from "kafkajs";
import { at } from "../support/model.ts";
import { connect, makeTopic, PARTITIONS } from "./topics.ts";

const WARM_UP = 100;
const TICK_MS = 10;

export interface LatencyBench {
  readonly address: string;
  readonly folder: string;
  readonly texts: readonly string[];
  kafkaConfig(topic: string, group: string): Readonly<Record<string, unknown>>;
  /** What the pipeline can do. */
  readonly kafkaPerSecond: number;
  readonly seconds: number;
}

/** Posts come evenly, at half of the capacity, to a worker in a process of its own; both topics take the broker's time of append. */
export async function latencyAtHalf({ address, folder, texts, kafkaConfig, kafkaPerSecond, seconds }: LatencyBench) {
  const stamped = { "message.timestamp.type": "LogAppendTime" };
  await makeTopic(address, "timed-posts", stamped);
  await makeTopic(address, "timed-events", stamped);
  const config = {
    ...kafkaConfig("timed-posts", "timed"),
    sink: { use: "sink-kafka", options: { client: "broker", topic: "timed-events" } },
  };
  const file = join(folder, "timed.yaml");
  await writeFile(file, JSON.stringify(config));
  const worker = spawn(process.execPath, ["--conditions=source", at("src/cli.ts"), "run", file], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const producer = connect(address).producer();
  await producer.connect();
  let sent = 0;
  const send = async (count: number) => {
    const messages = Array.from({ length: count }, (_, i) => ({
      value: JSON.stringify({ id: String(sent + i), text: texts[(sent + i) % texts.length] }),
      partition: (sent + i) % PARTITIONS,
    }));
    sent += count;
    await producer.send({ topic: "timed-posts", acks: -1, messages });
  };
  const admin = connect(address).admin();
  await admin.connect();
  const answeredAll = async () => {
    while ((await lengthOf(admin, "timed-events")) < sent) await sleepOrThrow(worker);
  };
  await send(WARM_UP);
  await answeredAll();
  const from = performance.now();
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - from) / 1000) {
    const due = WARM_UP + Math.floor((elapsed * kafkaPerSecond) / 2);
    if (due > sent) await send(due - sent);
    await sleep(TICK_MS);
  }
  await answeredAll();
  worker.kill("SIGTERM");
  await once(worker, "exit");
  await Promise.all([admin.disconnect(), producer.disconnect()]);
  // Read only now, by the times that the broker wrote: whoever reads along takes the same two cores.
  const posted = await timesOf(
    address,
    "timed-posts",
    sent,
    ({ partition, offset }) => `timed-posts/${partition}:${offset}`,
  );
  const answered = await timesOf(address, "timed-events", sent, ({ value }) => {
    const { key } = JSON.parse(String(value)) as { key: string };
    return key.slice(0, key.lastIndexOf(":"));
  });
  const latencies = [...answered].slice(WARM_UP).map(([place, time]) => time - posted.get(place)!);
  latencies.sort((a, b) => a - b);
  const quantile = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))];
  return { p50Ms: quantile(0.5), p99Ms: quantile(0.99), maxMs: latencies.at(-1), latencyPosts: latencies.length };
}

async function sleepOrThrow(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null) throw new Error(`the worker ended with ${worker.exitCode}`);
  await sleep(50);
}

interface Stamped {
  readonly partition: number;
  readonly offset: string;
  readonly value: Buffer | null;
}

async function lengthOf(admin: Admin, topic: string): Promise<number> {
  const partitions = await admin.fetchTopicOffsets(topic);
  return partitions.reduce((sum, { high }) => sum + Number(high), 0);
}

/** The broker's times of the `count` records of a topic, the oldest first, by what `nameOf` makes of each. */
async function timesOf(
  address: string,
  topic: string,
  count: number,
  nameOf: (record: Stamped) => string,
): Promise<Map<string, number>> {
  const times: [string, number][] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const consumer = connect(address).consumer({ groupId: `times-${topic}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      const { offset, value, timestamp } = message;
      times.push([nameOf({ partition, offset, value }), Number(timestamp)]);
      if (times.length === count) resolve();
    },
  });
  await promise;
  await consumer.disconnect();
  return new Map(times.sort(([, a], [, b]) => a - b));
}
