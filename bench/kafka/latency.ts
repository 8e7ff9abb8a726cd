import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Admin } from "kafkajs";
import { at } from "../support/model.ts";
import { quantile } from "../support/worker.ts";
import { feedEvenly } from "./feed.ts";
import { connect, fill, makeTopic } from "./topics.ts";

/** Once these are answered the worker is in its group, and its model is open. */
const FIRST = 100;
/** Posts come at the same pace for so long before they count. */
const WARM_UP_SECONDS = 10;

export interface LatencyBench {
  readonly address: string;
  readonly folder: string;
  readonly texts: readonly string[];
  kafkaConfig(topic: string, group: string): Readonly<Record<string, unknown>>;
  /** What the pipeline can do. */
  readonly kafkaPerSecond: number;
  readonly seconds: number;
}

/**
 * Posts come evenly, at half of the capacity, from a process of their own to a worker in a process of its own. A post is
 * timed from the moment it was due to the append of its event, and from its own append; both topics take the broker's time.
 */
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
  const admin = connect(address).admin();
  await admin.connect();
  const answered = async (posts: number) => {
    while ((await lengthOf(admin, "timed-events")) < posts) await sleepOrThrow(worker);
  };
  const first = texts.slice(0, FIRST).map((text, i) => JSON.stringify({ id: `first ${i}`, text }));
  await fill(address, "timed-posts", first);
  await answered(first.length);
  const perSecond = kafkaPerSecond / 2;
  const count = Math.floor(perSecond * (WARM_UP_SECONDS + seconds));
  const { startedAt } = await feedEvenly({ address, topic: "timed-posts", texts, perSecond, count });
  const all = first.length + count;
  await answered(all);
  worker.kill("SIGTERM");
  await once(worker, "exit");
  await admin.disconnect();
  // Read only now, by the times that the broker wrote: whoever reads along takes the same two cores.
  const posted = new Map<string, { id: number; at: number }>();
  await readAll(address, "timed-posts", all, ({ partition, offset, value, timestamp }) => {
    const { id } = JSON.parse(String(value)) as { id: string };
    posted.set(`timed-posts/${partition}:${offset}`, { id: Number(id), at: Number(timestamp) });
  });
  const sinceDue: number[] = [];
  const sinceAppend: number[] = [];
  await readAll(address, "timed-events", all, ({ value, timestamp }) => {
    const { key } = JSON.parse(String(value)) as { key: string };
    const post = posted.get(key.slice(0, key.lastIndexOf(":")))!;
    if (!(post.id >= perSecond * WARM_UP_SECONDS)) return; // also not the first, whose ids are no numbers
    sinceDue.push(Number(timestamp) - startedAt - ((post.id + 1) * 1000) / perSecond);
    sinceAppend.push(Number(timestamp) - post.at);
  });
  const of = (values: readonly number[], share: number) => Math.round(quantile(values, share));
  return {
    p50Ms: of(sinceDue, 0.5),
    p99Ms: of(sinceDue, 0.99),
    maxMs: of(sinceDue, 1),
    p50AppendMs: of(sinceAppend, 0.5),
    p99AppendMs: of(sinceAppend, 0.99),
    latencyPosts: sinceDue.length,
  };
}

async function sleepOrThrow(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null) throw new Error(`the worker ended with ${worker.exitCode}`);
  await sleep(50);
}

interface Stamped {
  readonly partition: number;
  readonly offset: string;
  readonly value: Buffer | null;
  /** The broker's time of append, in milliseconds since 1970. */
  readonly timestamp: string;
}

async function lengthOf(admin: Admin, topic: string): Promise<number> {
  const partitions = await admin.fetchTopicOffsets(topic);
  return partitions.reduce((sum, { high }) => sum + Number(high), 0);
}

/** Shows the `count` records of a topic. */
async function readAll(address: string, topic: string, count: number, show: (record: Stamped) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = 0;
  const consumer = connect(address).consumer({ groupId: `times-${topic}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message: { offset, value, timestamp } }) => {
      show({ partition, offset, value, timestamp });
      if (++seen === count) resolve();
    },
  });
  await promise;
  await consumer.disconnect();
}
