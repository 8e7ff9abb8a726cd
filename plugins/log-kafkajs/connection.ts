import kafkajs, { type Admin, type Kafka, type RetryOptions } from "kafkajs";
import type { Fault, Host, Partition } from "starling-ner";
import { mendAborted } from "./aborted.ts";
import { registerCodecs } from "./codecs.ts";
import { faultOf } from "./faults.ts";
import type { Options } from "./options.ts";
import { mendOutOfRange } from "./out-of-range.ts";
import { mendProduce } from "./produce-request.ts";
import { mendRecords } from "./record-reader.ts";
import { mendTimers } from "./request-queue.ts";
import { saslOf, tlsOf } from "./security.ts";

/** What producers and consumers need of the client. */
export interface Connection {
  readonly brokers: string;
  readonly log: Host["log"];
  /** A new one each time: those that share one share what they know of committed offsets. */
  kafka(retry?: RetryOptions): Kafka;
  /** Runs `act` with an admin connection of its own. */
  admin<T>(what: string, act: (admin: Admin) => Promise<T>, topic?: string): Promise<T>;
  /** First offset of a partition, and the one behind its last. */
  ends(partition: Partition): Promise<{ readonly earliest: number; readonly latest: number }>;
  fault(error: unknown, what: string, topic?: string): Fault;
}

/** What the client warns of, and what is just its way: it waits for the end of a transaction by trying again. */
const usual = /concurrent operation on the same transaction|Limiting retries for the idempotent producer/;

/** How a lost connection is tried again: for about 5 seconds. */
const RETRY: RetryOptions = { initialRetryTime: 100, maxRetryTime: 3000, retries: 5 };

registerCodecs();
mendTimers();
mendRecords();
mendAborted();
mendProduce();
mendOutOfRange();

export async function connect(options: Options, host: Host): Promise<Connection> {
  const ssl = await tlsOf(options.tls, host.resolve);
  const sasl = saslOf(options.sasl, host.resolve);
  const brokers = options.brokers.join(",");
  const kafka = (retry: RetryOptions = RETRY) =>
    new kafkajs.Kafka({
      brokers: [...options.brokers],
      clientId: options.clientId,
      ssl,
      ...(sasl !== undefined && { sasl }),
      connectionTimeout: options.connectMs,
      authenticationTimeout: Math.max(options.connectMs, 10_000),
      requestTimeout: options.requestMs,
      retry,
      logLevel: kafkajs.logLevel.WARN,
      logCreator:
        () =>
        ({ log: { message, timestamp: _, logger: __, stack: ___, ...fields } }) => {
          if (!usual.test(message) && !usual.test(String(fields.error))) host.log(message, fields);
        },
    });
  const fault = (error: unknown, what: string, topic?: string) =>
    faultOf(error, { brokers, what, ...(topic !== undefined && { topic }) });
  const admin: Connection["admin"] = async (what, act, topic) => {
    const opened = kafka().admin();
    try {
      await opened.connect();
      return await act(opened);
    } catch (error) {
      throw fault(error, what, topic);
    } finally {
      await opened.disconnect().catch(() => {});
    }
  };
  return {
    brokers,
    log: host.log,
    kafka,
    admin,
    fault,
    ends: ({ topic, partition }) =>
      admin(
        `asking for the offsets of ${topic}`,
        async (opened) => {
          const all = await opened.fetchTopicOffsets(topic);
          const found = all.find((one) => one.partition === partition);
          return { earliest: Number(found?.low ?? 0), latest: Number(found?.high ?? 0) };
        },
        topic,
      ),
  };
}
