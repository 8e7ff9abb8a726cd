import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";

export const PARTITIONS = 4;

export const connect = (address: string): Kafka => new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });

export async function makeTopic(
  address: string,
  topic: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  await withAdmin(address, async (admin) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, configEntries }], waitForLeaders: false });
    // A busy broker may say for a moment that there is no such topic; the client's own wait ends with that.
    for (let tries = 0; tries < 200; tries++)
      try {
        return await admin.fetchTopicOffsets(topic);
      } catch {
        await sleep(50);
      }
    throw new Error(`the topic ${topic} is not there 10 s after it was made`);
  });
}

export const dropTopic = (address: string, topic: string) =>
  withAdmin(address, (admin) => admin.deleteTopics({ topics: [topic] }));

async function withAdmin(address: string, act: (admin: ReturnType<Kafka["admin"]>) => Promise<unknown>): Promise<void> {
  const admin = connect(address).admin();
  await admin.connect();
  await act(admin).finally(() => admin.disconnect());
}

/** Spreads the lines over the partitions in turns, 500 a batch. */
export async function fill(address: string, topic: string, lines: readonly string[]): Promise<void> {
  const producer = connect(address).producer();
  await producer.connect();
  for (let at = 0; at < lines.length; at += 500) {
    const messages = lines
      .slice(at, at + 500)
      .map((value, i) => ({ key: String(at + i), value, partition: (at + i) % PARTITIONS }));
    await producer.send({ topic, acks: -1, messages });
  }
  await producer.disconnect();
}
