import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, test } from "vitest";
import { noBroker } from "../../test/kafka/missing.ts";
import { fresh, sharedBroker } from "../../test/kafka/shared.ts";
import { type Fetched, hideAborted, mendAborted } from "./aborted.ts";

const record = (offset: number, producerId: string, inTransaction = true): Fetched => ({
  offset: String(offset),
  key: Buffer.from("key"),
  isControlRecord: false,
  batchContext: { producerId, inTransaction },
});
const marker = (offset: number, producerId: string, type: "abort" | "commit"): Fetched => ({
  ...record(offset, producerId),
  key: Buffer.from([0, 0, 0, type === "abort" ? 0 : 1]),
  isControlRecord: true,
});
const shown = (messages: readonly Fetched[]) =>
  messages.filter(({ isControlRecord }) => !isControlRecord).map(({ offset }) => Number(offset));
const aborted = (...list: readonly (readonly [string, number])[]) =>
  list.map(([producerId, firstOffset]) => ({ producerId, firstOffset: String(firstOffset) }));

describe("records of aborted transactions are hidden", () => {
  test("where the transactions are listed as they ended", () => {
    const messages = [record(0, "a"), record(1, "b"), marker(2, "b", "abort"), marker(3, "a", "abort"), record(4, "a")];
    const partition = { messages, abortedTransactions: aborted(["b", 1], ["a", 0]) };
    hideAborted(partition);
    expect(shown(messages)).toEqual([4]);
    expect(partition.abortedTransactions).toEqual([]);
  });

  test("where several began before the first record that was asked for", () => {
    const messages = [record(10, "b"), record(11, "a"), record(12, "c")];
    hideAborted({ messages, abortedTransactions: aborted(["a", 3], ["b", 5]) });
    expect(shown(messages)).toEqual([12]);
  });

  test("and no others: those outside of a transaction, of a committed one, and a key that looks like a marker", () => {
    const looksLike = { ...record(1, "a"), key: Buffer.from([0, 0, 0, 0]) };
    const messages = [record(0, "a", false), looksLike, record(2, "b"), marker(3, "b", "commit"), record(4, "a")];
    hideAborted({ messages, abortedTransactions: aborted(["a", 1]) });
    expect(shown(messages)).toEqual([0, 2]);
  });
});

test.skipIf(noBroker)(
  "a real broker's overlapping transactions: only the committed ones are read",
  { timeout: 60_000 },
  async () => {
    mendAborted();
    const kafka = new Kafka({ brokers: [await sharedBroker()], logLevel: logLevel.NOTHING });
    const topic = fresh("aborted");
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic }] });
    await admin.disconnect();
    const open = async (name: string) => {
      const producer = kafka.producer({ transactionalId: fresh(name), idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      return producer;
    };
    const [first, second, third] = await Promise.all(["first", "second", "third"].map(open));
    const begun = [await first!.transaction(), await second!.transaction(), await third!.transaction()] as const;
    for (const [i, transaction] of begun.entries())
      await transaction.send({ topic, messages: [{ value: `aborted-${i}` }] });
    await begun[1].send({ topic, messages: [{ value: "aborted-1-again" }] });
    await begun[2].abort();
    await begun[1].abort();
    await begun[0].abort();
    const good = await second!.transaction();
    await good.send({ topic, messages: [{ value: "committed" }] });
    await good.commit();
    const seen: string[] = [];
    const consumer = kafka.consumer({ groupId: fresh("reader"), maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => void seen.push(String(message.value)),
    });
    for (let i = 0; i < 200 && !seen.includes("committed"); i++) await sleep(50);
    await Promise.all([consumer, first!, second!, third!].map((client) => client.disconnect()));
    expect(seen).toEqual(["committed"]);
  },
);
