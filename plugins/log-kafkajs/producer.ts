import kafkajs, { type Message, type ProducerBatch, type ProducerConfig } from "kafkajs";
import { type NewRecord, type Producer, type ProducerOptions, type TransactionalProducer } from "starling-ner";
import { offsetsByTopic } from "./commits.ts";
import type { Connection } from "./connection.ts";


const { CompressionTypes, Partitioners } = kafkajs;

const compressions = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const;

/** Records of one request: the client copies its lists once for each record, so long ones take their square. */
const AT_ONCE = 500;

/** A message that goes where another text than its key says. */
type Aimed = Message & { readonly by?: string };

/** As Java clients hash keys; `by` stands for the key where it is given. */
const createPartitioner = () => {
  const byKey = Partitioners.DefaultPartitioner();
  return (args: Parameters<typeof byKey>[0]) => {
    const { by } = args.message as Aimed;
    return by === undefined ? byKey(args) : byKey({ ...args, message: { ...args.message, key: by } });
  };
};

const common: ProducerConfig = { createPartitioner, allowAutoTopicCreation: false };

/**
 * Not idempotent: where one partition of a request is refused, the client takes the sequence numbers of all of them back,
 * and the broker then takes other records of the same number for repetitions.
 */
export async function openProducer(connection: Connection, { compression = "none" }: ProducerOptions): Promise<Producer> {
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
      for (let from = 0; from < records.length; from += AT_ONCE) {
        const part = records.slice(from, from + AT_ONCE);
        try {
          await producer.sendBatch(batchOf(part, compressions[compression]));
        } catch (error) {
          const topics = topicsOf(part);
          throw connection.fault(error, `writing to ${topics}`, topics);
        }
      }
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
          for (let from = 0; from < records.length; from += AT_ONCE)
            await transaction.sendBatch(batchOf(records.slice(from, from + AT_ONCE), compressions[compression]));
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
  const topicMessages = [...topics].map(([topic, messages]) => ({ topic, messages }));
  return { acks: -1, topicMessages, ...(compression !== undefined && { compression }) };
}

