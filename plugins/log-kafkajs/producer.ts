import kafkajs, { type Message, type ProducerBatch, type ProducerConfig } from "kafkajs";
import type { NewRecord, Producer, ProducerOptions, TransactionalProducer } from "starling-ner";
import { offsetsByTopic } from "./commits.ts";
import type { Connection } from "./connection.ts";
import { type Aimed, createPartitioner } from "./partitioner.ts";

const { CompressionTypes } = kafkajs;

const compressions = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const;

/**
 * Records of one request, and their bytes: the client copies its lists once for each record, so long ones take their
 * square; and what goes to one partition has to stay below the size that topics take by default.
 */
const AT_ONCE = 1000;
const BYTES_AT_ONCE = 800_000;

const common: ProducerConfig = { createPartitioner, allowAutoTopicCreation: false };

/**
 * Not idempotent: where one partition of a request is refused, the client takes the sequence numbers of all of them back,
 * and the broker then takes other records of the same number for repetitions.
 */
export async function openProducer(
  connection: Connection,
  { compression = "none", inFlight = 1 }: ProducerOptions,
): Promise<Producer> {
  const producer = connection.kafka().producer({
    ...common,
    retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 5 },
  });
  try {
    await producer.connect();
  } catch (error) {
    throw connection.fault(error, "opening a producer");
  }
  return {
    async send(records) {
      const parts = partsOf(records);
      const sendNext = async (): Promise<void> => {
        for (let part = parts.shift(); part !== undefined; part = parts.shift())
          try {
            await producer.sendBatch(batchOf(part, compressions[compression]));
          } catch (error) {
            parts.length = 0;
            const topics = topicsOf(part);
            throw connection.fault(error, `writing to ${topics}`, topics);
          }
      };
      const sent = await Promise.allSettled(Array.from({ length: Math.min(inFlight, parts.length) }, sendNext));
      const failed = sent.find((one) => one.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    },
    close: () => producer.disconnect().catch(() => {}),
  };
}

/** A producer of one transactional id, initialised: what a former one of this id left is committed or aborted. */
export async function openTransactional(
  connection: Connection,
  id: string,
  { compression = "none" }: ProducerOptions,
): Promise<TransactionalProducer> {
  const producer = connection.kafka().producer({
    ...common,
    idempotent: true,
    transactionalId: id,
    maxInFlightRequests: 1,
    // The end of the transaction before is awaited by trying again: waiting long would dominate everything.
    retry: { initialRetryTime: 5, maxRetryTime: 1000, retries: 15 },
  });
  const what = `the transactional id ${id}`;
  try {
    await producer.connect();
    // The client asks for its producer id with the first transaction; an empty one sends nothing else.
    await (await producer.transaction()).abort();
  } catch (error) {
    await producer.disconnect().catch(() => {});
    throw connection.fault(error, what);
  }
  return {
    async commit(records, group, positions, note = "") {
      try {
        const transaction = await producer.transaction();
        try {
          for (const part of partsOf(records)) await transaction.sendBatch(batchOf(part, compressions[compression]));
          await transaction.sendOffsets({ consumerGroupId: group, topics: offsetsByTopic(positions, note) });
        } catch (error) {
          await transaction.abort().catch(() => {});
          throw error;
        }
        await transaction.commit();
      } catch (error) {
        throw connection.fault(error, what, topicsOf(records));
      }
    },
    close: () => producer.disconnect().catch(() => {}),
  };
}

/** Records in their order, cut where a request is long enough. */
function partsOf(records: readonly NewRecord[]): NewRecord[][] {
  const parts: NewRecord[][] = [];
  let part: NewRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = (record.value?.length ?? 0) + (record.key?.length ?? 0) + 300;
    if (part.length > 0 && (part.length >= AT_ONCE || bytes + size > BYTES_AT_ONCE)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(record);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/**
 * The client groups the messages of a topic by partition with a `reduce` that copies the partition's list for each
 * message. Here each step begins with nothing, and what it gives is added to the lists that are there.
 */
class Grouped extends Array<Message> {
  override reduce<U>(step: (group: U, message: Message, index: number, all: Message[]) => U, initial?: U): U {
    const groups = initial as Record<string, Message[]>;
    for (let i = 0; i < this.length; i++) {
      const one = step({} as U, this[i]!, i, this) as Record<string, Message[]>;
      for (const partition in one) {
        const list = groups[partition];
        if (list === undefined) groups[partition] = one[partition]!;
        else list.push(this[i]!);
      }
    }
    return groups as U;
  }
}

const topicsOf = (records: readonly NewRecord[]) => [...new Set(records.map(({ topic }) => topic))].join(", ");

function batchOf(records: readonly NewRecord[], compression: ProducerBatch["compression"]): ProducerBatch {
  const topics = new Map<string, Aimed[]>();
  for (const { topic, key, value, headers, partition, by } of records) {
    const message: Aimed = {
      key: key as Message["key"],
      value: value as Message["value"],
      ...(headers !== undefined && { headers: headers as NonNullable<Message["headers"]> }),
      ...(partition !== undefined && { partition }),
      ...(by !== undefined && { by }),
    } as Aimed;
    const list = topics.get(topic);
    if (list === undefined) topics.set(topic, [message]);
    else list.push(message);
  }
  const topicMessages = [...topics].map(([topic, messages]) => ({ topic, messages: Grouped.from(messages) }));
  return { acks: -1, topicMessages, ...(compression !== undefined && { compression }) };
}
