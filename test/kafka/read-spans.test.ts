import { Kafka, logLevel } from "kafkajs";
import { type LogClient, parseBound, type Range, readSpans, spansOf } from "starling-ner";
import { testHost } from "starling-ner/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import plugin from "../../plugins/log-kafkajs/index.ts";
import { noBroker } from "./missing.ts";
import { fresh, sharedBroker } from "./shared.ts";

const never = new AbortController().signal;

describe.skipIf(noBroker)(`stretches of a real log${noBroker ? ` (${noBroker})` : ""}`, { timeout: 60_000 }, () => {
  let kafka: Kafka;
  let admin: ReturnType<Kafka["admin"]>;
  let client: LogClient & { close?(): Promise<void> };
  beforeAll(async () => {
    const address = await sharedBroker();
    kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    await admin.connect();
    client = await plugin.open(plugin.options.parse({ brokers: [address] }), testHost());
  }, 180_000);
  afterAll(async () => {
    await client?.close?.();
    await admin?.disconnect();
  });

  /** A topic of two partitions with these values, each at its own time. */
  async function topicOf(values: readonly (readonly string[])[]): Promise<string> {
    const topic = fresh("spans");
    await admin.createTopics({ topics: [{ topic, numPartitions: values.length }] });
    const producer = kafka.producer();
    await producer.connect();
    for (const [partition, texts] of values.entries())
      await producer.send({
        topic,
        acks: -1,
        messages: texts.map((value, i) => ({
          partition,
          value,
          timestamp: String(Date.UTC(2026, 0, 1 + Math.min(i, 20))),
        })),
      });
    await producer.disconnect();
    return topic;
  }
  async function read(topic: string, range: Range, options: { signal?: AbortSignal; quietMs?: number } = {}) {
    const found: string[] = [];
    for await (const { partition, records } of readSpans(client, await spansOf(client, [topic], range), {
      signal: never,
      ...options,
    }))
      found.push(...records.map(({ offset, value }) => `${partition}:${offset} ${value}`));
    return found.sort();
  }

  test("everything there is now, and nothing of an empty topic", async () => {
    const topic = await topicOf([["a", "b", "c"], ["d"]]);
    expect(await read(topic, { from: "earliest", until: "latest" })).toEqual(["0:0 a", "0:1 b", "0:2 c", "1:0 d"]);
    expect(await read(await topicOf([[], []]), { from: "earliest", until: "latest" })).toEqual([]);
  });

  test("from an offset before another, partitions that are not named whole", async () => {
    const topic = await topicOf([
      ["a", "b", "c", "d"],
      ["e", "f"],
    ]);
    const bound = (text: string) => parseBound(text) ?? expect.unreachable(text);
    expect(await read(topic, { from: bound(`${topic}/0:1`), until: bound(`${topic}/0:3`) })).toEqual([
      "0:1 b",
      "0:2 c",
      "1:0 e",
      "1:1 f",
    ]);
    expect(await read(topic, { from: bound(`${topic}/1:1`), until: bound(`${topic}/0:0,${topic}/1:99`) })).toEqual([
      "1:1 f",
    ]);
  });

  test("from a time before another", async () => {
    const topic = await topicOf([
      ["1st", "2nd", "3rd"],
      ["1st", "2nd"],
    ]);
    expect(await read(topic, { from: new Date("2026-01-02"), until: new Date("2026-01-03") })).toEqual([
      "0:1 2nd",
      "1:1 2nd",
    ]);
  });

  test("more than is held in memory, in order, while the taker is slow", async () => {
    const texts = Array.from({ length: 12_000 }, (_, i) => String(i));
    const topic = await topicOf([texts]);
    const found: string[] = [];
    for await (const { records } of readSpans(
      client,
      await spansOf(client, [topic], { from: "earliest", until: "latest" }),
      { signal: never },
    )) {
      await new Promise((done) => setTimeout(done, 20));
      found.push(...records.map(({ value }) => String(value)));
    }
    expect(found).toEqual(texts);
  });

  test("a stretch that ends with markers of transactions comes to its end", async () => {
    const topic = await topicOf([["a"]]);
    const producer = kafka.producer({
      transactionalId: fresh("transaction"),
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    for (const [value, end] of [
      ["b", "commit"],
      ["lost", "abort"],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value }] });
      await transaction[end]();
    }
    await producer.disconnect();
    expect(await read(topic, { from: "earliest", until: "latest" }, { quietMs: 1000 })).toEqual(["0:0 a", "0:1 b"]);
  });

  test("nothing is committed, and an abort ends the reading", async () => {
    const topic = await topicOf([["a", "b"]]);
    const group = fresh("reader");
    const stop = new AbortController();
    const spans = await spansOf(client, [topic], { from: "earliest", until: "latest" });
    for await (const _ of readSpans(client, spans, { signal: stop.signal, group })) stop.abort();
    expect(await client.committed(group, topic)).toEqual([]);
    expect(await read(topic, { from: "earliest", until: "latest" }, { signal: AbortSignal.abort() })).toEqual([]);
  });

  test("a topic that is not there is a fault", async () => {
    await expect(spansOf(client, ["nowhere"], { from: "earliest", until: "latest" })).rejects.toMatchObject({
      code: "LOG_TOPIC_MISSING",
    });
  });
});

test.each([
  ["earliest", "earliest"],
  ["latest", "latest"],
  ["2026-05-02", new Date("2026-05-02")],
  ["2026-05-02T19:41:00Z", new Date("2026-05-02T19:41:00Z")],
  [
    "a.b-c_d/0:17, posts/11:4",
    [
      { topic: "a.b-c_d", partition: 0, offset: 17 },
      { topic: "posts", partition: 11, offset: 4 },
    ],
  ],
  ["2026-15-02", undefined],
  ["posts:4", undefined],
  ["posts/0:-1", undefined],
  ["yesterday", undefined],
  ["", undefined],
])("the bound %s", (written, bound) => {
  expect(parseBound(written)).toEqual(bound);
});
