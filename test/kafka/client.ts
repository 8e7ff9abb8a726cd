import kafkajs, { type Message } from "kafkajs";
import type { LogClient } from "starling-ner";
import { testHost } from "starling-ner/testing";
import plugin from "../../plugins/log-kafkajs/index.ts";
import { noBroker } from "./missing.ts";
import { fresh, sharedBroker } from "./shared.ts";

/** The shared broker, by the client that is tested elsewhere; undefined where there is none. */
export async function sharedLog() {
  if (noBroker) return undefined;
  const address = await sharedBroker();
  const kafka = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING });
  const client = (await plugin.open(plugin.options.parse({ brokers: [address] }), testHost())) as LogClient;
  return {
    address,
    client,
    async makeTopic(partitions: number, settings: Readonly<Record<string, string>> = {}): Promise<string> {
      const topic = fresh("topic");
      const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
      const admin = kafka.admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: true });
      await admin.disconnect();
      return topic;
    },
    async send(topic: string, messages: readonly Message[]): Promise<void> {
      const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
      await producer.connect();
      await producer.send({ topic, messages: [...messages] });
      await producer.disconnect();
    },
    /** Every committed record of a topic, partition by partition. */
    async read(topic: string) {
      const ends = await client.offsets(topic, "latest");
      const found: (kafkajs.KafkaMessage & { partition: number })[] = [];
      const left = new Map(ends.filter(({ offset }) => offset > 0).map(({ partition, offset }) => [partition, offset]));
      if (left.size === 0) return found;
      const consumer = kafka.consumer({ groupId: fresh("reader"), maxWaitTimeInMs: 50 });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      const { promise, resolve } = Promise.withResolvers<void>();
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          found.push(...batch.messages.map((message) => ({ ...message, partition: batch.partition })));
          if (Number(batch.lastOffset()) + 1 >= (left.get(batch.partition) ?? 0)) left.delete(batch.partition);
          if (left.size === 0) resolve();
        },
      });
      await Promise.race([promise, new Promise((done) => setTimeout(done, 10_000))]);
      await consumer.disconnect();
      return found.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
    },
  };
}
