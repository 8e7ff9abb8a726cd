import { setTimeout as sleep } from "node:timers/promises";
import { type ITopicConfig, Kafka, type KafkaMessage, logLevel, type Message } from "kafkajs";
import type { DeadLetter, EntityEvent } from "starling-ner";
import { fresh } from "../../kafka/shared.ts";
import { configFile, plugin, type Running, start } from "../starling.ts";

/** Topics and a group that no other test has, on one broker, and the command that works on them. */
export interface Place {
  readonly topics: { readonly posts: string; readonly entities: string; readonly letters: string };
  readonly group: string;
  readonly admin: ReturnType<Kafka["admin"]>;
  send(...messages: readonly Message[]): Promise<void>;
  /** Waits until `count` records are in the topic. */
  events(count: number): Promise<EntityEvent[]>;
  letters(count: number): Promise<DeadLetter[]>;
  /** How many records of the posts' topic are committed. */
  committed(): Promise<number>;
  /** The same as YAML, with `change` made to it. */
  config(change?: (config: Config) => void): string;
  run(change?: (config: Config) => void): Running;
  close(): Promise<void>;
}

export interface Config {
  [key: string]: unknown;
  resources: { broker: { use: string; options: Record<string, unknown> } } & Record<string, unknown>;
  source: { use: string; options: Record<string, unknown> };
  sink: { use: string; options: Record<string, unknown> };
  deadLetters: { use: string; options: Record<string, unknown> };
}

export interface PlaceOptions {
  /** Settings of the topics. */
  readonly posts?: Readonly<Record<string, string>>;
  readonly entities?: Readonly<Record<string, string>>;
  readonly letters?: Readonly<Record<string, string>>;
}

const PATIENCE_MS = 20_000;

export async function makePlace(address: string, options: PlaceOptions = {}): Promise<Place> {
  const topics = { posts: fresh("posts"), entities: fresh("entities"), letters: fresh("letters") };
  const group = fresh("group");
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  const topic = (name: keyof typeof topics): ITopicConfig => ({
    topic: topics[name],
    numPartitions: 1,
    configEntries: Object.entries(options[name] ?? {}).map(([key, value]) => ({ name: key, value })),
  });
  await admin.createTopics({ topics: [topic("posts"), topic("entities"), topic("letters")] });

  const read = async <T>(name: "entities" | "letters", count: number): Promise<T[]> => {
    const found: KafkaMessage[] = [];
    const consumer = kafka.consumer({ groupId: fresh("reader"), maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic: topics[name], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => void found.push(message) });
    for (const end = Date.now() + PATIENCE_MS; found.length < count && Date.now() < end; ) await sleep(20);
    await consumer.disconnect();
    if (found.length < count) throw new Error(`${found.length} of ${count} ${name} came`);
    return found.map(({ value }) => JSON.parse(String(value)) as T);
  };
  const config = (change: (config: Config) => void = () => {}) => {
    const toTopic = (name: string) => ({ use: "sink-kafka", options: { client: "broker", topic: name } });
    const made: Config = {
      resources: {
        broker: { use: "log-kafkajs", options: { brokers: [address] } },
        tagger: { use: plugin("tiny-tagger") },
      },
      source: { use: "source-kafka", options: { client: "broker", topics: [topics.posts], group, from: "earliest" } },
      stages: [
        { use: "draft", batch: 8, waitMs: 1 },
        { use: "final", batch: 8, waitMs: 1 },
      ],
      sink: toTopic(topics.entities),
      deadLetters: toTopic(topics.letters),
    };
    change(made);
    return configFile(JSON.stringify(made, null, 2));
  };
  return {
    topics,
    group,
    admin,
    config,
    send: async (...messages) => void (await producer.send({ topic: topics.posts, acks: -1, messages: [...messages] })),
    events: (count) => read<EntityEvent>("entities", count),
    letters: (count) => read<DeadLetter>("letters", count),
    async committed() {
      const [found] = await admin.fetchOffsets({ groupId: group, topics: [topics.posts] });
      return Math.max(0, Number(found!.partitions[0]?.offset ?? 0));
    },
    run: (change) => start(["run", config(change), "--verbose"]),
    close: async () => void (await Promise.all([admin.disconnect(), producer.disconnect()])),
  };
}

export const post = (id: string, text = "Ada met Grace in London"): Message => ({
  value: JSON.stringify({ id, text }),
});

/** Stops a worker as a supervisor does, and answers how it ended. */
export async function stopped({ child, ended }: Running) {
  child.kill("SIGTERM");
  return ended;
}
