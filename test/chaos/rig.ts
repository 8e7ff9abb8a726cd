import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { type Broker, startBroker } from "../kafka/broker.ts";
import { GROUP, topics, type WorkerSettings, workerConfig } from "./config.ts";
import type { Posts } from "./posts.ts";
import { startWorker, type Worker } from "./worker.ts";

export const PARTITIONS = 4;

/** A broker with the topics of a run, and what one does to it. */
export interface Rig {
  readonly kafka: Kafka;
  readonly broker: Broker;
  readonly folder: string;
  /** Appends posts `from` to `to` (without it), spread over the partitions. */
  feed(posts: Posts, from: number, to: number): Promise<void>;
  /** Posts of the input that are committed, and those that are not yet. */
  progress(): Promise<{ readonly committed: number; readonly lag: number }>;
  /** Waits until `wanted` holds; throws with what was waited for, at the latest after `limitMs`. */
  until(what: string, wanted: () => Promise<boolean>, limitMs: number): Promise<void>;
  startWorker(): Worker;
  /** The workers' own words. */
  readonly log: string;
  close(): Promise<void>;
}

export async function createRig(settings: Omit<WorkerSettings, "brokers">): Promise<Rig> {
  const broker = await startBroker();
  const folder = await mkdtemp(join(tmpdir(), "starling-chaos-"));
  const [config, log] = [join(folder, "worker.yaml"), join(folder, "workers.log")];
  await writeFile(config, workerConfig({ ...settings, brokers: [broker.address] }));
  const kafka = new Kafka({
    brokers: [broker.address],
    clientId: "chaos",
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 20 },
  });
  const admin = kafka.admin();
  const producer = kafka.producer();
  await admin.connect();
  await producer.connect();
  // When a record was appended, not when the client made it: it may be sent again.
  const configEntries = [{ name: "message.timestamp.type", value: "LogAppendTime" }];
  await admin.createTopics({
    topics: [
      { topic: topics.posts, numPartitions: PARTITIONS },
      { topic: topics.entities, numPartitions: PARTITIONS, configEntries },
      { topic: topics.letters, numPartitions: 1, configEntries },
    ],
  });
  const progress = () => patiently(ask);
  const ask = async () => {
    const ends = await admin.fetchTopicOffsets(topics.posts);
    const [group] = await admin.fetchOffsets({ groupId: GROUP, topics: [topics.posts] });
    const committed = group!.partitions.map(({ offset }) => Math.max(0, Number(offset))).reduce((a, b) => a + b, 0);
    return { committed, lag: ends.reduce((sum, { high }) => sum + Number(high), 0) - committed };
  };
  return {
    kafka,
    broker,
    folder,
    log,
    progress,
    async feed(posts, from, to) {
      for (let at = from; at < to; at += 2000) {
        const indices = Array.from({ length: Math.min(2000, to - at) }, (_, i) => at + i);
        const messages = indices.map((index) => ({ ...posts.message(index), partition: index % PARTITIONS }));
        await producer.send({ topic: topics.posts, acks: -1, messages });
      }
    },
    async until(what, wanted, limitMs) {
      for (const end = Date.now() + limitMs; !(await wanted().catch(() => false)); await sleep(100))
        if (Date.now() > end) throw new Error(`no ${what} within ${limitMs} ms; what the workers said is in ${log}`);
    },
    startWorker: () => startWorker(config, log),
    async close() {
      await Promise.all([admin.disconnect(), producer.disconnect()]);
      await broker.wipe();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A broker that has just come back answers some questions with "not yet". */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 20_000; ; await sleep(100))
    try {
      return await ask();
    } catch (error) {
      if (!(error as { readonly retriable?: boolean }).retriable || Date.now() > end) throw error;
    }
}
