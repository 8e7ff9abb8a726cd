import { randomUUID } from "node:crypto";
import type { Kafka, KafkaMessage } from "kafkajs";
import { mendAborted } from "../../plugins/log-kafkajs/aborted.ts";

// The client shows some records of aborted transactions; here as there they are hidden by what the broker says of them.
mendAborted();

export interface Read {
  readonly partition: number;
  readonly message: KafkaMessage;
}

const END = "chaos-end";

/**
 * Everything that a read-committed consumer sees in a topic. A mark is written behind the last record of each partition,
 * and reading ends where all marks are seen; a transaction that nobody ends keeps them out of sight, and that is told.
 */
export async function readTopic(kafka: Kafka, topic: string, partitions: number, limitMs = 60_000): Promise<Read[]> {
  const mark = randomUUID();
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    value: null,
    headers: { [END]: mark },
  }));
  await producer.send({ topic, acks: -1, messages });
  await producer.disconnect();
  const marks = new Set<number>();
  return readUntil(kafka, topic, limitMs, (read) => {
    const end = read.message.headers?.[END]?.toString();
    if (end === mark) marks.add(read.partition);
    return { done: marks.size === partitions, keep: end === undefined };
  });
}

/** Reads a topic from its beginning until `look` is done. */
export async function readUntil(
  kafka: Kafka,
  topic: string,
  limitMs: number,
  look: (read: Read) => { readonly done: boolean; readonly keep: boolean },
): Promise<Read[]> {
  const found: Read[] = [];
  const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, readUncommitted: false, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((done, refuse) => {
      timer = setTimeout(() => refuse(new Error(`the end of ${topic} is out of sight after ${limitMs} ms`)), limitMs);
      const each = async ({ partition, message }: Read) => {
        const { done: isLast, keep } = look({ partition, message });
        if (keep) found.push({ partition, message });
        if (isLast) done();
      };
      consumer.run({ autoCommit: false, eachMessage: each }).catch(refuse);
    });
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
  return found;
}
