import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
// The plugin mends the client before it writes for the first time, as in a worker; `fill` below writes first.
import "../../plugins/log-kafkajs/connection.ts";
import type { Broker } from "../../test/kafka/broker.ts";
import { median } from "../posts.ts";
import { at } from "../support/model.ts";
import { benchPosts } from "../support/posts.ts";
import { fromKafka, runUntil, toKafka } from "./pipeline.ts";
import { fill, makeTopic } from "./topics.ts";

/** A stream is long: each of them takes ten seconds or more, so that its beginning and its end weigh little. */
const ROUNDS = 5;
/** Both sides run so often before they count: the broker, too, gets quicker for a while. */
const WARM_UP = 2;

export interface TaggerBench {
  readonly broker: Broker;
  readonly folder: string;
  readonly count: number;
  /** Folder of a saved model; models/default without it. */
  readonly model?: string;
}

/** The same posts through the same tagger: from file to file, and from topic to topic, in turns. */
export async function taggerRounds({ broker, folder, count, model = at("models/default") }: TaggerBench) {
  if (!existsSync(join(model, "manifest.json"))) return undefined;
  const { address } = broker;
  const { texts } = await benchPosts(count);
  const lines = texts.map((text, i) => JSON.stringify({ id: String(i), text }));
  const file = join(folder, "posts.ndjson");
  await writeFile(file, `${lines.join("\n")}\n`);
  for (const topic of ["tagger-posts", "tagger-events", "tagger-dead"]) await makeTopic(address, topic);
  await fill(address, "tagger-posts", lines);
  const rest = {
    window: 512,
    stages: [
      { use: "draft", batch: 32, cost: 16_000, waitMs: 5, concurrency: 10 },
      { use: "final", batch: 32, cost: 16_000, waitMs: 5, concurrency: 4 },
    ],
  };
  const tagger = { use: "tagger-onnx", options: { model } };
  const toFile = (name: string) => ({ use: "sink-file", options: { path: join(folder, name) } });
  const fileConfig = {
    ...rest,
    resources: { tagger },
    source: { use: "source-file", options: { path: file } },
    sink: toFile("events.ndjson"),
    deadLetters: toFile("dead.ndjson"),
  };
  const kafkaConfig = (topic: string, group: string) => {
    const { resources, source } = fromKafka(address, topic, group);
    const [sink, deadLetters] = [toKafka("tagger-events"), toKafka("tagger-dead")];
    return { ...rest, resources: { ...resources, tagger }, source, sink, deadLetters };
  };
  const seconds: { kafka: number; file: number; broker: number }[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const before = broker.cpuSeconds();
    const kafka = await runUntil(kafkaConfig("tagger-posts", `tagger-${round}`), count);
    const ofBroker = broker.cpuSeconds() - before;
    const fromFile = await runUntil(fileConfig, count);
    if (round >= WARM_UP) seconds.push({ kafka: kafka.wallSeconds, file: fromFile.wallSeconds, broker: ofBroker });
  }
  return {
    address,
    folder,
    texts,
    kafkaConfig,
    kafkaPerSecond: Math.round(count / median(seconds.map(({ kafka }) => kafka))),
    /** What the broker took of the machine's processors meanwhile, in [0, 1]. */
    brokerShare: median(seconds.map(({ broker, kafka }) => broker / kafka)) / availableParallelism(),
    filePerSecond: Math.round(count / median(seconds.map(({ file }) => file))),
  };
}
