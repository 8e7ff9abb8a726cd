import { setTimeout as sleep } from "node:timers/promises";
import { type Consumer, Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noBroker } from "../kafka/missing.ts";
import { fresh, sharedBroker } from "../kafka/shared.ts";
import { conductOf, type GroupRecord, readGroupRecord } from "./commits.ts";
import { readUntil } from "./read-topic.ts";

describe.skipIf(noBroker)(`the broker's log of groups${noBroker ? ` (${noBroker})` : ""}`, { timeout: 60_000 }, () => {
  const [topic, group] = [fresh("commits"), fresh("group")];
  const consumers: Consumer[] = [];
  let kafka: Kafka;
  let records: GroupRecord[];

  beforeAll(async () => {
    kafka = new Kafka({ brokers: [await sharedBroker()], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
    // An offset beyond the log's end would be set back by the client, with a commit of its own.
    const producer = kafka.producer();
    await producer.connect();
    const ten = [0, 1].flatMap((partition) => Array.from({ length: 10 }, () => ({ partition, value: "a post" })));
    await producer.send({ topic, messages: ten });
    await producer.disconnect();
    const holders: { id: string; consumer: Consumer; partitions: readonly number[] }[] = [];
    for (let i = 0; i < 2; i++) {
      const consumer = kafka.consumer({
        groupId: group,
        heartbeatInterval: 200,
        sessionTimeout: 10_000,
        maxWaitTimeInMs: 100,
      });
      consumers.push(consumer);
      consumer.on("consumer.group_join", ({ payload: { memberId: id, memberAssignment } }) => {
        holders[i] = { id, consumer, partitions: memberAssignment[topic] ?? [] };
      });
      await consumer.connect();
      await consumer.subscribe({ topic });
      await consumer.run({ autoCommit: false, eachBatch: async () => {} });
    }
    while (holders.length < 2 || holders.some(({ partitions }) => partitions.length !== 1)) await sleep(50);
    const commit = (of: number, partition: number, offset: string) => {
      const { id, consumer } = holders.find(({ partitions }) => partitions[0] === of)!;
      return consumer.commitOffsets([{ topic, partition, offset, metadata: id }]);
    };
    await commit(0, 0, "5");
    await commit(1, 1, "7");
    await commit(0, 1, "8"); // a partition of the other
    await commit(0, 0, "4"); // and back
    await admin.setOffsets({ groupId: `${group}-end`, topic, partitions: [{ partition: 0, offset: "1" }] });
    await admin.disconnect();
    records = [];
    await readUntil(kafka, "__consumer_offsets", 30_000, ({ message }) => {
      const record = readGroupRecord(message);
      if (record) records.push(record);
      return { done: record?.group === `${group}-end` && record.kind === "commit", keep: false };
    });
  }, 120_000);
  afterAll(async () => {
    await Promise.all(consumers.map((consumer) => consumer.disconnect()));
  });

  test("tells who held what", () => {
    const members = records.filter((record) => record.kind === "members" && record.group === group);
    const last = members.at(-1) as Extract<GroupRecord, { kind: "members" }>;
    expect([...last.members.values()].map((held) => [...held]).sort()).toEqual([[`${topic}/0`], [`${topic}/1`]]);
  });

  test("shows a commit of a partition that is another's, and an offset that goes back", () => {
    const conduct = conductOf(records, group);
    expect(conduct).toMatchObject({ commits: 4, notOwned: 1, backwards: 1 });
    expect(conduct.generations).toBeGreaterThanOrEqual(2);
  });

  test("does not judge commits that do not say whose they are", () => {
    const unsigned = records.map((record) => (record.kind === "commit" ? { ...record, metadata: "" } : record));
    expect(conductOf(unsigned, group).notOwned).toBeNull();
  });
});
