import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { eventSchema } from "starling-ner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../../kafka/free-ports.ts";
import { noBroker } from "../../kafka/missing.ts";
import { fresh, sharedBroker } from "../../kafka/shared.ts";
import { root, start } from "../starling.ts";

const posts = readFileSync(join(root, "examples/posts.ndjson"), "utf8").trimEnd().split("\n");

describe.skipIf(noBroker)(
  `config/kafka.yaml on a real broker${noBroker ? ` (${noBroker})` : ""}`,
  { timeout: 120_000 },
  () => {
    const names = { POSTS_TOPIC: fresh("posts"), ENTITIES_TOPIC: fresh("entities"), DEAD_TOPIC: fresh("posts-dead") };
    let kafka: Kafka;
    let address: string;
    let admin: ReturnType<Kafka["admin"]>;
    beforeAll(async () => {
      address = await sharedBroker();
      kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
      admin = kafka.admin();
      await admin.connect();
      await admin.createTopics({ topics: Object.values(names).map((topic) => ({ topic, numPartitions: 4 })) });
    }, 180_000);
    afterAll(() => admin?.disconnect());

    test("turns the sample posts of one topic into the events of another, and says when it is ready", async (context) => {
      if (!existsSync(join(root, "models/default/model.int8.onnx"))) return context.skip("models/default is not here");
      const producer = kafka.producer();
      await producer.connect();
      await producer.send({ topic: names.POSTS_TOPIC, acks: -1, messages: posts.map((value) => ({ value })) });
      await producer.disconnect();
      const [port] = await freePorts(1);
      const worker = start(["run", join(root, "config/kafka.yaml")], {
        env: { HTTP_PORT: String(port), KAFKA_BROKERS: address, GROUP: fresh("group"), ...names },
      });
      const consumer = kafka.consumer({ groupId: fresh("reader") });
      try {
        await consumer.connect();
        await consumer.subscribe({ topic: names.ENTITIES_TOPIC, fromBeginning: true });
        const values: string[] = [];
        await new Promise<void>((done, refuse) => {
          void worker.ended.then((ran) => refuse(new Error(JSON.stringify(ran))));
          void consumer.run({
            eachMessage: async ({ message }) => {
              if (values.push(String(message.value)) === posts.length) done();
            },
          });
        });
        const events = values.map((value) => eventSchema.parse(JSON.parse(value)));
        const ids = posts.map((post) => (JSON.parse(post) as { id: string }).id);
        expect(events.map(({ postId }) => postId).sort()).toEqual(ids.sort());
        expect(events.filter(({ entities }) => entities.length > 0).length).toBeGreaterThanOrEqual(10);
        const ready = await fetch(`http://127.0.0.1:${port}/ready`);
        expect([ready.status, await ready.json()]).toEqual([
          200,
          expect.objectContaining({ ready: true, figures: expect.objectContaining({ assigned: 4 }) }),
        ]);
      } finally {
        worker.child.kill("SIGTERM");
        await consumer.disconnect();
      }
      expect(await worker.ended).toMatchObject({ code: 0 });
    });
  },
);
