import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toDeadLetter } from "../../../src/dead-letter.ts";
import { Fault } from "../../../src/errors.ts";
import { noBroker } from "../../kafka/missing.ts";
import { fresh, sharedBroker } from "../../kafka/shared.ts";
import { configFile, starling } from "../starling.ts";

describe.skipIf(noBroker)(`dead letters of a topic${noBroker ? ` (${noBroker})` : ""}`, { timeout: 120_000 }, () => {
  const names = { posts: fresh("posts"), letters: fresh("posts-dead"), other: fresh("other") };
  let kafka: Kafka;
  let admin: ReturnType<Kafka["admin"]>;
  let config: string;
  /** Two that failed at different stages; the first is no UTF-8. */
  const lost = [
    {
      offset: "17",
      bytes: Buffer.from([0xff, 0x00, 0x0a]),
      stage: "source",
      key: Buffer.from("ada"),
      headers: { traceparent: "00-1-2-03" },
    },
    { offset: "18", bytes: Buffer.from('{"id":"2","text":"Ada"}'), stage: "draft" },
  ];

  beforeAll(async () => {
    const address = await sharedBroker();
    kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: Object.values(names).map((topic) => ({ topic, numPartitions: 2 })) });
    const producer = kafka.producer();
    await producer.connect();
    const letters = lost.map(({ bytes, stage, offset, ...more }) =>
      toDeadLetter(
        {
          postId: null,
          origin: { lane: `${names.posts}/1`, offset, bytes: () => bytes, ...more },
          stage,
          error: new Fault("STAGE_TIMEOUT", { stage, afterMs: 5 }),
          attempts: 3,
        },
        "v1",
      ),
    );
    const messages = [...letters.map((letter) => JSON.stringify(letter)), "no letter", null].map((value) => ({
      value,
      partition: 0,
    }));
    await producer.send({ topic: names.letters, acks: -1, messages });
    await producer.disconnect();
    config = configFile(
      JSON.stringify({ resources: { broker: { use: "log-kafkajs", options: { brokers: [address] } } } }),
    );
  }, 180_000);
  afterAll(() => admin?.disconnect());

  const letters = (command: string, ...args: readonly string[]) =>
    starling(["dead-letters", command, "--config", config, "--topic", names.letters, ...args]);

  async function read(topic: string, count: number) {
    const consumer = kafka.consumer({ groupId: fresh("reader") });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const found: { key: string | undefined; value: number[]; headers: Record<string, string> }[] = [];
    await new Promise<void>((done) => {
      void consumer.run({
        eachMessage: async ({ message: { key, value, headers = {} } }) => {
          const texts = Object.entries(headers).map(([name, header]) => [name, String(header)]);
          found.push({ key: key?.toString(), value: [...value!], headers: Object.fromEntries(texts) });
          if (found.length === count) done();
        },
      });
    });
    await consumer.disconnect();
    return found;
  }

  test("are listed with their places, and what is no letter is told", async () => {
    const { code, stdout, stderr } = await letters("list");
    expect([code, stderr]).toEqual([
      0,
      "2 dead letters (source: STAGE_TIMEOUT 1; draft: STAGE_TIMEOUT 1); 1 records are no dead letters\n",
    ]);
    expect(stdout).toContain(`${names.letters}/0:0  source  STAGE_TIMEOUT  3 attempts  of ${names.posts}/1:17`);
  });

  test("are shown with their headers, bytes that are no text in hexadecimal", async () => {
    const { code, stdout } = await letters("show", `${names.letters}/0:0`);
    expect(code).toBe(0);
    expect(stdout).toContain("header traceparent: 00-1-2-03\n");
    expect(stdout).toContain("bytes (3):\nff000a (hexadecimal");
  });

  test("go back to the topic they came from, bytes, key and headers as they were", async () => {
    expect(await letters("replay", "--dry-run")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`2 posts would be sent to ${names.posts};`),
    });
    expect(await letters("replay")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`2 posts sent to ${names.posts};`),
    });
    const found = await read(names.posts, 2);
    expect(found.toSorted((a, b) => a.value.length - b.value.length)).toEqual([
      {
        key: "ada",
        value: [0xff, 0x00, 0x0a],
        headers: { traceparent: "00-1-2-03", "starling-replay-of": `${names.posts}/1:17` },
      },
      { key: undefined, value: [...lost[1]!.bytes], headers: { "starling-replay-of": `${names.posts}/1:18` } },
    ]);
    const offsets = await admin.fetchTopicOffsets(names.posts);
    expect(offsets.reduce((sum, { high }) => sum + Number(high), 0)).toBe(2);
  });

  test("go to another topic, only those that are asked for", async () => {
    expect(await letters("replay", "--to-topic", names.other, "--stage", "draft")).toMatchObject({ code: 0 });
    expect((await read(names.other, 1)).map(({ value }) => value)).toEqual([[...lost[1]!.bytes]]);
  });

  test("a topic that is not there is told", async () => {
    const refused = await letters("replay", "--to-topic", "nowhere-at-all");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/nowhere-at-all.*\[LOG_TOPIC_MISSING\]/)]);
  });
});
