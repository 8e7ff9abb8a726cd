import { spawn } from "node:child_process";
import { once } from "node:events";
import fc from "fast-check";
import kafkajs from "kafkajs";
import { isFault, type LogClient, log } from "starling-ner";
import { testHost, testLogClient, testResource } from "starling-ner/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noBroker } from "../../test/kafka/missing.ts";
import { fresh, sharedBroker } from "../../test/kafka/shared.ts";
import { faultOf } from "./faults.ts";
import plugin from "./index.ts";
import { createPartitioner, murmur2 } from "./partitioner.ts";
import { deal } from "./sticky.ts";

describe.skipIf(noBroker)(`on a real broker${noBroker ? ` (${noBroker})` : ""}`, { timeout: 60_000 }, () => {
  let address = "";
  let admin: kafkajs.Admin;
  beforeAll(async () => {
    address = await sharedBroker();
    admin = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
  }, 150_000);
  afterAll(() => admin?.disconnect());
  const makeTopic = async (partitions: number) => {
    const topic = fresh("topic");
    const configEntries = [{ name: "max.message.bytes", value: "1048588" }];
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: true });
    return topic;
  };
  const open = async (): Promise<LogClient> =>
    plugin.open(plugin.options.parse({ brokers: [address] }), testHost()) as Promise<LogClient>;

  testResource({ test, plugin, options: async () => ({ brokers: [address] }) });
  testLogClient({ test, name: "log-kafkajs", open, makeTopic, freshName: fresh });

  test.each(["gzip", "snappy", "lz4", "zstd"] as const)("reads back what it packed with %s", async (compression) => {
    const [client, topic] = [await open(), await makeTopic(1)];
    const producer = await client.producer({ compression });
    const value = JSON.stringify({ text: "Ada met Grace in London. ".repeat(50) });
    await producer.send(Array.from({ length: 20 }, () => ({ topic, key: "k", value, headers: { a: "b" } })));
    await producer.close();
    const values: string[] = [];
    const consumer = await client.consumer(
      { group: fresh("group"), topics: [topic], sessionMs: 10_000, maxWaitMs: 50, maxBytesPerPartition: 1_000_000 },
      {
        assigned: ({ partitions }) => setImmediate(() => consumer.start({ ...partitions[0]!, offset: 0 })),
        records: ({ records }) => void values.push(...records.map((one) => String(one.value))),
        failed: (fault) => expect.unreachable(String(fault)),
      },
    );
    await expect.poll(() => values.length, { timeout: 15_000 }).toBe(20);
    expect(new Set(values)).toEqual(new Set([value]));
    await consumer.close();
  });

  test("an idle consumer sets few timers: the client alone would set thousands in a second", async () => {
    const program = `
      import { connect } from "./plugins/log-kafkajs/connection.ts";
      import { createClient } from "./plugins/log-kafkajs/client.ts";
      import { options } from "./plugins/log-kafkajs/options.ts";
      let timers = 0;
      const set = globalThis.setTimeout;
      globalThis.setTimeout = (...args) => { timers++; return set(...args); };
      const client = createClient(await connect(options.parse({ brokers: ["${address}"] }), { log() {}, resolve: (path) => path }));
      const consumer = await client.consumer(
        { group: "${fresh("idle")}", topics: ["${await makeTopic(1)}"], sessionMs: 10000, maxWaitMs: 100, maxBytesPerPartition: 100000 },
        { assigned: ({ partitions }) => set(() => consumer.start({ ...partitions[0], offset: 0 }), 0), records() {}, failed: console.error },
      );
      await new Promise((done) => set(done, 1500));
      timers = 0;
      await new Promise((done) => set(done, 2000));
      console.log(timers);
      process.exit(0);`;
    const args = ["--conditions=source", "--input-type=module-typescript", "--eval", program];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (data) => (said += data));
    await once(child, "close");
    expect(Number(said.trim())).toBeGreaterThanOrEqual(0);
    expect(said.trim()).not.toBe("");
    expect(Number(said.trim())).toBeLessThan(200);
  });
});

describe("options", () => {
  const parse = (more: object) => plugin.options.safeParse({ brokers: ["a:9092"], ...more });
  test("takes brokers as a list or as one text", () => {
    expect(plugin.options.parse({ brokers: "a:1,b:2" }).brokers).toEqual(["a:1", "b:2"]);
    for (const brokers of [[], ["nowhere"], "a:1, b:2", "a"]) expect(parse({ brokers }).success).toBe(false);
  });

  test("refuses PLAIN without TLS, and takes it with", () => {
    const sasl = { mechanism: "plain", username: "u", password: "p" };
    expect(parse({ sasl }).error?.issues).toMatchObject([{ path: ["sasl", "mechanism"] }]);
    expect(parse({ sasl, tls: true }).success).toBe(true);
    expect(parse({ sasl: { ...sasl, mechanism: "scram-sha-512" } }).success).toBe(true);
    expect(parse({ sasl: { mechanism: "oauthbearer", tokenFile: "token" } }).success).toBe(true);
  });

  test("fills log@1", () => expect(plugin.fills.name).toBe(log.name));
});

describe("faults", () => {
  const doing = { brokers: "a:1", what: "reading", topic: "posts" };
  const error = (more: object, cause?: Error) => Object.assign(new Error("why", { cause }), more);
  test.each([
    [{ type: "TOPIC_AUTHORIZATION_FAILED" }, "LOG_FORBIDDEN", false],
    [{ name: "KafkaJSSASLAuthenticationError" }, "LOG_AUTHENTICATION", false],
    [{ type: "MESSAGE_TOO_LARGE", retriable: false }, "LOG_RECORD_REFUSED", false],
    [{ type: "UNKNOWN_TOPIC_OR_PARTITION", retriable: true }, "LOG_TOPIC_MISSING", false],
    [{ name: "KafkaJSConnectionError" }, "LOG_UNREACHABLE", true],
    [{ type: "NOT_ENOUGH_REPLICAS", retriable: true }, "LOG_UNREACHABLE", true],
    [{ type: "INVALID_PRODUCER_EPOCH", retriable: false }, "LOG_FAILED", false],
  ])("%o is %s", (more, code, retry) => {
    for (const thrown of [error(more), error({ name: "Outer" }, error(more))])
      expect(faultOf(thrown, doing)).toMatchObject({ code, retry, message: expect.stringContaining("") });
    expect(isFault(faultOf("text", doing))).toBe(true);
  });
});

describe("what replaces parts of the client", () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  const field = fc.oneof(bytes, fc.string({ unit: "grapheme", maxLength: 200 }));

  test("murmur2 gives the client's own numbers", () => {
    const byClient = kafkajs.Partitioners.DefaultPartitioner();
    const byUs = createPartitioner();
    const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({ partitionId, leader: 1 }) as never);
    fc.assert(
      fc.property(field, (key) => {
        fc.pre(key.length > 0);
        const args = { topic: "t", partitionMetadata, message: { key, value: "" } };
        expect(byUs(args)).toBe(byClient(args));
      }),
    );
    // From the tests of Java's own client.
    expect([murmur2(Buffer.from("21")), murmur2(Buffer.from("foobar"))]).toEqual([-973932308, -790332482]);
  });

  test("the assigner deals all partitions out evenly, and moves no more than it must", () => {
    const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(members, fc.nat(30), fc.array(fc.nat(5), { maxLength: 30 }), (names, count, owners) => {
        const partitions = Array.from({ length: count }, (_, i) => `t/${i}`);
        const holds = new Map(names.map((name) => [name, [] as string[]]));
        for (const [i, owner] of owners.slice(0, count).entries())
          holds.get(names[owner % names.length]!)!.push(`t/${i}`);
        const dealt = deal(partitions, holds);
        expect([...dealt.values()].flat().sort()).toEqual(partitions.toSorted());
        const sizes = [...dealt.values()].map((own) => own.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(deal(partitions, dealt)).toEqual(dealt);
        const least = Math.floor(count / names.length);
        for (const [name, own] of holds)
          expect(dealt.get(name)!.filter((one) => own.includes(one)).length).toBeGreaterThanOrEqual(
            Math.min(own.length, least),
          );
      }),
    );
  });
});
