import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isFault } from "../errors.ts";
import type {
  Assignment,
  ConsumerEvents,
  GroupConsumer,
  LogClient,
  LogRecord,
  NewRecord,
  Partition,
} from "../log/port.ts";
import { register, type Suite } from "./suite.ts";

export type LogClientClause =
  | "counts the partitions of topics, and names one that is missing"
  | "gives offsets by moment"
  | "hands over nothing of a partition that was not started"
  | "hands over records in order, from where it was started"
  | "carries keys, values, headers, tombstones and times"
  | "sends records of one key to one partition"
  | "pauses and resumes without losing a record"
  | "stays in the group while nobody takes records"
  | "keeps its member id, and tells what it owns, when another joins and leaves"
  | "commits for a successor to find, and nothing that it does not own"
  | "finds nothing committed where nothing was"
  | "refuses a record that is too large, and names its topic"
  | "writes a transaction and its offsets together"
  | "shuts out whoever had the same transactional id before";

export interface LogClientSuite extends Suite<LogClientClause> {
  readonly name: string;
  open(): Promise<LogClient>;
  /** A topic of the log that nobody else uses, which takes records of a megabyte and none of two. */
  makeTopic(partitions: number): Promise<string>;
  /** A name for a group or an id that nobody else uses. */
  freshName(kind: string): string;
}

/** Sessions are short, so that a member that does not keep in touch is found out in a test. */
const SESSION_MS = 3000;
const PATIENCE_MS = 15_000;

/** The contract of whatever fills `log@1`, held against a real log. */
export function testLogClient(suite: LogClientSuite): void {
  const { makeTopic, freshName } = suite;
  const withClient = (use: (client: LogClient) => Promise<void>) => async () => use(await suite.open());
  const filled = async (client: LogClient, partitions: number, records: number) => {
    const topic = await makeTopic(partitions);
    const producer = await client.producer();
    await producer.send(Array.from({ length: records }, (_, i) => record(topic, i, { partition: i % partitions })));
    await producer.close();
    return topic;
  };
  const reading = (client: LogClient, topic: string, group = freshName("group")) => join(client, topic, group);

  register(suite.name, suite, {
    "counts the partitions of topics, and names one that is missing": withClient(async (client) => {
      const [two, one] = [await makeTopic(2), await makeTopic(1)];
      assert.deepEqual(Object.fromEntries(await client.topics([two, one])), { [two]: 2, [one]: 1 });
      assert.equal((await client.topics()).get(two), 2);
      const missing = freshName("missing");
      await assert.rejects(client.topics([two, missing]), code("LOG_TOPIC_MISSING", missing));
      await assert.rejects(join(client, missing, freshName("group")), code("LOG_TOPIC_MISSING", missing));
    }),
    "gives offsets by moment": withClient(async (client) => {
      const topic = await filled(client, 1, 3);
      await sleep(20);
      const between = new Date();
      await sleep(20);
      const producer = await client.producer();
      await producer.send([record(topic, 3)]);
      await producer.close();
      const at = async (moment: Parameters<LogClient["offsets"]>[1]) =>
        (await client.offsets(topic, moment))[0]?.offset;
      assert.deepEqual(await Promise.all([at("earliest"), at("latest"), at(between)]), [0, 4, 3]);
      assert.equal(await at(new Date(Date.now() + 60_000)), 4, "where no record is so late, behind the last");
    }),
    "hands over nothing of a partition that was not started": withClient(async (client) => {
      const member = await reading(client, await filled(client, 2, 10));
      member.start(0, 0);
      await member.until(() => member.of(0).length === 5);
      await sleep(500);
      assert.equal(member.of(1).length, 0);
      await member.close();
    }),
    "hands over records in order, from where it was started": withClient(async (client) => {
      const member = await reading(client, await filled(client, 1, 500));
      member.start(0, 123);
      await member.until(() => member.of(0).length >= 377);
      assert.deepEqual(
        member.of(0).map(({ offset }) => offset),
        Array.from({ length: 377 }, (_, i) => 123 + i),
      );
      assert.equal(member.next(0), 500);
      await member.close();
    }),
    "carries keys, values, headers, tombstones and times": withClient(async (client) => {
      const topic = await makeTopic(1);
      const producer = await client.producer();
      const from = Date.now();
      const headers = { traceparent: "00-1-2-01", raw: Buffer.from([0xff, 0]) };
      await producer.send([
        { topic, key: "Äpfel", value: "wörter", headers },
        { topic, key: Buffer.from([1, 2]), value: null },
        { topic, key: null, value: Buffer.alloc(0) },
      ]);
      await producer.close();
      const member = await reading(client, topic);
      member.start(0, 0);
      await member.until(() => member.of(0).length === 3);
      const [first, second, third] = member.of(0) as [LogRecord, LogRecord, LogRecord];
      assert.deepEqual([text(first.key), text(first.value)], ["Äpfel", "wörter"]);
      assert.deepEqual([text(first.headers.traceparent), hex(first.headers.raw)], ["00-1-2-01", "ff00"]);
      assert.ok(Math.abs(first.timestamp - from) < 60_000, "milliseconds since 1970");
      assert.deepEqual([hex(second.key), second.value], ["0102", null]);
      assert.deepEqual([third.key, third.value?.length], [null, 0]);
      await member.close();
    }),
    "sends records of one key to one partition": withClient(async (client) => {
      const topic = await makeTopic(4);
      const producer = await client.producer();
      const keys = Array.from({ length: 24 }, (_, i) => `key ${i % 8}`);
      await producer.send(keys.map((key) => ({ topic, key, value: key })));
      await producer.send(keys.map((key, i) => ({ topic, key: `other ${i}`, value: key, by: key })));
      await producer.close();
      const member = await reading(client, topic);
      for (const partition of [0, 1, 2, 3]) member.start(partition, 0);
      await member.until(() => member.all().length === 48);
      const places = new Map<string, Set<number>>();
      for (const partition of [0, 1, 2, 3])
        for (const { value } of member.of(partition))
          places.set(text(value)!, (places.get(text(value)!) ?? new Set()).add(partition));
      assert.ok(
        [...places.values()].every((where) => where.size === 1),
        "a key, or `by`, stands for one partition",
      );
      assert.ok(new Set([...places.values()].flatMap((where) => [...where])).size > 1, "keys are spread");
      await member.close();
    }),
    "pauses and resumes without losing a record": withClient(async (client) => {
      const topic = await filled(client, 1, 100);
      const member = await reading(client, topic);
      member.start(0, 0);
      await member.until(() => member.of(0).length === 100);
      member.consumer.pause([{ topic, partition: 0 }]);
      const producer = await client.producer();
      await producer.send(Array.from({ length: 100 }, (_, i) => record(topic, i)));
      await producer.close();
      await sleep(1000);
      assert.equal(member.of(0).length, 100);
      member.consumer.resume([{ topic, partition: 0 }]);
      await member.until(() => member.of(0).length >= 200);
      assert.deepEqual(
        member.of(0).map(({ offset }) => offset),
        Array.from({ length: 200 }, (_, i) => i),
      );
      await member.close();
    }),
    "stays in the group while nobody takes records": withClient(async (client) => {
      const topic = await filled(client, 1, 10);
      const member = await reading(client, topic);
      member.start(0, 0);
      member.consumer.pause([{ topic, partition: 0 }]);
      await sleep(SESSION_MS * 2.5);
      assert.equal(member.assignments.length, 1, "no rebalance");
      await member.consumer.commit([{ topic, partition: 0, offset: 5 }]);
      await member.close();
    }),
    "keeps its member id, and tells what it owns, when another joins and leaves": withClient(async (client) => {
      const topic = await filled(client, 2, 10);
      const group = freshName("group");
      const first = await reading(client, topic, group);
      assert.deepEqual(first.owned(), [0, 1]);
      const second = await reading(client, topic, group);
      await first.until(() => first.assignments.length === 2);
      assert.deepEqual([...first.owned(), ...second.owned()].sort(), [0, 1], "each partition has one owner");
      await second.close();
      await first.until(() => first.owned().length === 2);
      assert.equal(new Set(first.assignments.map(({ member }) => member)).size, 1);
      await first.close();
    }),
    "commits for a successor to find, and nothing that it does not own": withClient(async (client) => {
      const topic = await filled(client, 2, 10);
      const group = freshName("group");
      const [first, second] = [await reading(client, topic, group), await reading(client, topic, group)];
      await first.until(() => first.owned().length === 1 && second.owned().length === 1);
      const mine = first.owned()[0]!;
      const both = [0, 1].map((partition) => ({ topic, partition, offset: 3 }));
      await first.consumer.commit(both);
      assert.deepEqual(await client.committed(group, topic), [{ topic, partition: mine, offset: 3 }]);
      await first.close();
      await assert.doesNotReject(second.close());
    }),
    "finds nothing committed where nothing was": withClient(async (client) => {
      assert.deepEqual(await client.committed(freshName("group"), await makeTopic(1)), []);
    }),
    "refuses a record that is too large, and names its topic": withClient(async (client) => {
      const topic = await makeTopic(1);
      const producer = await client.producer();
      const large = { topic, key: null, value: Buffer.alloc(2 * 1024 * 1024, 97) };
      await assert.rejects(producer.send([large]), code("LOG_RECORD_REFUSED", topic));
      await producer.send([record(topic, 0)]);
      await producer.close();
      assert.equal((await client.offsets(topic, "latest"))[0]?.offset, 1);
      const most = await client.maxRecordBytes(topic);
      assert.ok(most !== undefined && most < 2 * 1024 * 1024 && most >= 1_000_000, `${most} bytes are taken at most`);
    }),
    "writes a transaction and its offsets together": withClient(async (client) => {
      const [input, output] = [await filled(client, 1, 10), await makeTopic(1)];
      const group = freshName("group");
      const producer = await client.transactional(freshName("id"));
      await producer.commit([record(output, 0), record(output, 1)], group, [{ topic: input, partition: 0, offset: 2 }]);
      await producer.commit([record(output, 2)], group, [{ topic: input, partition: 0, offset: 3 }]);
      await producer.close();
      const member = await reading(client, output);
      member.start(0, 0);
      await member.until(() => member.of(0).length >= 3);
      assert.deepEqual(
        member.of(0).map(({ value }) => text(value)),
        ["0", "1", "2"],
      );
      await eventually(async () => (await client.committed(group, input))[0]?.offset === 3);
      await member.close();
    }),
    "shuts out whoever had the same transactional id before": withClient(async (client) => {
      const [input, output] = [await filled(client, 1, 10), await makeTopic(1)];
      const [group, id] = [freshName("group"), freshName("id")];
      const at = (offset: number) => [{ topic: input, partition: 0, offset }];
      const before = await client.transactional(id);
      await before.commit([record(output, 0)], group, at(1));
      const after = await client.transactional(id);
      assert.equal((await client.committed(group, input))[0]?.offset, 1, "what was committed shows once it is open");
      await assert.rejects(before.commit([record(output, 99)], group, at(9)));
      await after.commit([record(output, 1)], group, at(2));
      await Promise.all([before.close(), after.close()]);
      const member = await reading(client, output);
      member.start(0, 0);
      await member.until(() => member.of(0).length >= 2);
      await sleep(300);
      assert.deepEqual(
        member.of(0).map(({ value }) => text(value)),
        ["0", "1"],
      );
      await member.close();
    }),
  });
}

const record = (topic: string, index: number, more: Partial<NewRecord> = {}): NewRecord => ({
  topic,
  key: null,
  value: String(index),
  ...more,
});

const text = (bytes: unknown) => (bytes instanceof Uint8Array ? Buffer.from(bytes).toString() : (bytes as string));
const hex = (bytes: unknown) => Buffer.from(bytes as Uint8Array).toString("hex");

const code = (wanted: string, named: string) => (error: unknown) =>
  isFault(error) && error.code === wanted && error.message.includes(named);

async function eventually(wanted: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await wanted()); await sleep(20))
    assert.ok(Date.now() < end, `did not come true within ${PATIENCE_MS} ms: ${wanted}`);
}

/** A member of a group that writes down what happens to it; resolves once it was assigned something. */
async function join(client: LogClient, topic: string, group: string) {
  const assignments: Assignment[] = [];
  const records = new Map<number, LogRecord[]>();
  const nexts = new Map<number, number>();
  let failed: Error | undefined;
  const events: ConsumerEvents = {
    assigned: (assignment) => void assignments.push(assignment),
    records: ({ partition, records: more, next }) => {
      records.set(partition, [...(records.get(partition) ?? []), ...more]);
      nexts.set(partition, next);
    },
    failed: (fault) => {
      failed = fault;
    },
  };
  const options = { group, topics: [topic], sessionMs: SESSION_MS, maxWaitMs: 100, maxBytesPerPartition: 1024 * 1024 };
  const consumer: GroupConsumer = await client.consumer(options, events);
  const of = (partition: number) => records.get(partition) ?? [];
  const until = (wanted: () => boolean) =>
    eventually(() => {
      if (failed !== undefined) throw failed;
      return wanted();
    });
  await until(() => assignments.length > 0);
  const owned = (): number[] =>
    (assignments.at(-1)?.partitions ?? []).map(({ partition }: Partition) => partition).sort();
  return {
    consumer,
    assignments,
    owned,
    of,
    all: () => [...records.values()].flat(),
    next: (partition: number) => nexts.get(partition),
    until,
    start: (partition: number, offset: number) => consumer.start({ topic, partition, offset }),
    close: () => consumer.close(),
  };
}
