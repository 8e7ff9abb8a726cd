import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import { isFault, type LogClient } from "starling-ner";
import { testHost } from "starling-ner/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { noBroker } from "../../test/kafka/missing.ts";
import { fresh, sharedBroker } from "../../test/kafka/shared.ts";
import plugin from "./index.ts";

describe.skipIf(noBroker)(`a topic made anew${noBroker ? ` (${noBroker})` : ""}`, { timeout: 60_000 }, () => {
  let kafka: kafkajs.Kafka;
  let client: LogClient;
  beforeAll(async () => {
    const brokers = [await sharedBroker()];
    kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
    client = (await plugin.open(plugin.options.parse({ brokers }), testHost())) as LogClient;
  }, 150_000);

  /** One that has been told of no topic that is gone. */
  const anAdmin = async <T>(act: (admin: kafkajs.Admin) => Promise<T>): Promise<T> => {
    const admin = kafka.admin();
    await admin.connect();
    return act(admin).finally(() => admin.disconnect());
  };
  const make = (topic: string) =>
    anAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true }));
  const send = async (topic: string, count: number) => {
    const producer = await client.producer();
    await producer.send(Array.from({ length: count }, (_, i) => ({ topic, key: null, value: `${i}` })));
    await producer.close();
  };
  /** A member that reads a topic from an offset on, and writes down what it was handed and why it ended. */
  const member = async (topic: string, offset: number) => {
    const group = fresh("group");
    const [offsets, ended]: [number[], Error[]] = [[], []];
    const started = new Set<string>();
    const consumer = await client.consumer(
      { group, topics: [topic], sessionMs: 10_000, maxWaitMs: 50, maxBytesPerPartition: 100_000 },
      {
        assigned: ({ partitions }) => {
          const at = started.has(topic) ? (offsets.at(-1) ?? offset - 1) + 1 : offset;
          started.add(topic);
          if (partitions[0] !== undefined) setImmediate(() => consumer.start({ ...partitions[0]!, offset: at }));
        },
        records: ({ records }) => void offsets.push(...records.map((one) => one.offset)),
        failed: (fault) => void ended.push(fault),
      },
    );
    return { group, offsets, ended, consumer };
  };
  const ends = (ended: readonly Error[], reason: RegExp) =>
    expect
      .poll(() => ended.map((one) => (isFault(one) ? `${one.code} ${one.message}` : String(one))), { timeout: 20_000 })
      .toEqual([expect.stringMatching(reason)]);
  const committed = async (group: string, topic: string) =>
    (await anAdmin((admin) => admin.fetchOffsets({ groupId: group, topics: [topic] })))[0]!.partitions[0]!.offset;

  test.each([
    ["shorter than before", 8],
    ["longer than before", 28],
  ])("ends its member, where it is %s, and no offset is committed by itself", async (_, again) => {
    const topic = fresh("topic");
    await make(topic);
    await send(topic, 20);
    const { group, offsets, ended, consumer } = await member(topic, 0);
    await expect.poll(() => offsets.length, { timeout: 15_000 }).toBe(20);
    await anAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
    await make(topic);
    await send(topic, again);
    await ends(ended, /^LOG_FAILED .*made anew/);
    expect(offsets).toHaveLength(20);
    await consumer.close();
    expect(await committed(group, topic)).toBe("-1");
  });

  test("ends its member also where the partition is paused", async () => {
    const topic = fresh("topic");
    await make(topic);
    await send(topic, 20);
    const { offsets, ended, consumer } = await member(topic, 0);
    await expect.poll(() => offsets.length, { timeout: 15_000 }).toBe(20);
    consumer.pause([{ topic, partition: 0 }]);
    await sleep(500); // the last fetch is answered
    await anAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
    await make(topic);
    await send(topic, 28);
    await ends(ended, /^LOG_FAILED .*made anew/);
    await consumer.close();
  });

  test("a start behind the end of a partition ends the member, and no offset is committed by itself", async () => {
    const topic = fresh("topic");
    await make(topic);
    await send(topic, 3);
    const { group, offsets, ended, consumer } = await member(topic, 99);
    await ends(ended, /^LOG_FAILED .*offset 99 .*ends at 3/);
    await consumer.close();
    expect([offsets, await committed(group, topic)]).toEqual([[], "-1"]);
  });

  test("a start before the first record that is still kept goes on with that one", async () => {
    const topic = fresh("topic");
    await make(topic);
    await send(topic, 10);
    await anAdmin(async (admin) => {
      await admin.fetchTopicOffsets(topic); // so that it knows the topic
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "6" }] });
    });
    const { group, offsets, ended, consumer } = await member(topic, 2);
    await expect.poll(() => offsets, { timeout: 15_000 }).toEqual([6, 7, 8, 9]);
    await consumer.close();
    expect([ended, await committed(group, topic)]).toEqual([[], "-1"]);
  });
});
