import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import type { LogClient } from "starling-ner";
import { testHost } from "starling-ner/testing";
import { expect, test } from "vitest";
import { startBroker } from "../../test/kafka/broker.ts";
import { noBroker } from "../../test/kafka/missing.ts";
import plugin from "./index.ts";

const SESSION_MS = 3000;
/** Longer than the session, shorter than the client's patience; a broker needs some seconds more to be back. */
const GONE_MS = 4000;

test.skipIf(noBroker)(
  "a broker that restarts costs no membership, also with a short session",
  async () => {
    const broker = await startBroker();
    try {
      const client = (await plugin.open(plugin.options.parse({ brokers: [broker.address] }), testHost())) as LogClient;
      const members: string[] = [];
      const offsets: number[] = [];
      const lost: string[] = [];
      const topic = "posts";
      const admin = new kafkajs.Kafka({ brokers: [broker.address], logLevel: kafkajs.logLevel.NOTHING }).admin();
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
      await admin.disconnect();
      const consumer = await client.consumer(
        { group: "stays", topics: [topic], sessionMs: SESSION_MS, maxWaitMs: 50, maxBytesPerPartition: 100_000 },
        {
          assigned: ({ member, partitions }) => {
            members.push(member);
            setImmediate(() => consumer.start({ ...partitions[0]!, offset: offsets.length }));
          },
          records: ({ records }) => void offsets.push(...records.map(({ offset }) => offset)),
          lost: (reason) => void lost.push(reason.message),
          failed: (fault) => expect.unreachable(String(fault)),
        },
      );
      const producer = await client.producer();
      await producer.send([{ topic, key: null, value: "before" }]);
      await expect.poll(() => offsets, { timeout: 15_000 }).toEqual([0]);
      lost.length = 0; // a new broker's coordinator may have said "not yet" to the first join
      await broker.kill();
      await sleep(GONE_MS);
      await broker.start();
      await sleep(2 * SESSION_MS);
      await producer.send([{ topic, key: null, value: "after" }]);
      await expect.poll(() => offsets, { timeout: 15_000 }).toEqual([0, 1]);
      await consumer.commit([{ topic, partition: 0, offset: 2 }]);
      expect([members.length, lost]).toEqual([1, []]);
      await Promise.all([consumer.close(), producer.close()]);
    } finally {
      await broker.wipe();
    }
  },
  120_000,
);
