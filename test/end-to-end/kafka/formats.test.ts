import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CloudEvent, Kafka as Events } from "cloudevents";
import { Kafka, logLevel } from "kafkajs";
import { frame, isFramed, type SchemaRegistry } from "starling-ner";
import { testHost } from "starling-ner/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import plugin from "../../../plugins/registry-confluent/index.ts";
import { noBroker } from "../../kafka/missing.ts";
import { type Registry, startRegistry } from "../../kafka/registry.ts";
import { fresh, sharedBroker } from "../../kafka/shared.ts";
import { type Running, root } from "../starling.ts";
import { type Config, makePlace, type Place, post, stopped } from "./place.ts";

describe.skipIf(noBroker)(
  `formats of posts and events on a real broker${noBroker ? ` (${noBroker})` : ""}`,
  { timeout: 120_000 },
  () => {
    let at: Place;
    let address: string;
    let registry: Registry;
    let schemas: SchemaRegistry;
    let worker: Running | undefined;
    beforeAll(async () => {
      [address, registry] = await Promise.all([sharedBroker(), startRegistry()]);
      for (const [subject, file] of [
        ["posts-value", "post.avsc"],
        ["events", "event.avsc"],
      ] as const) {
        const body = JSON.stringify({ schema: readFileSync(join(root, "schemas", file), "utf8") });
        const headers = { "content-type": "application/vnd.schemaregistry.v1+json" };
        const made = await fetch(`${registry.url}/subjects/${subject}/versions`, { method: "POST", headers, body });
        expect(made.status).toBe(200);
      }
      schemas = await plugin.open(plugin.options.parse({ url: registry.url }), testHost());
    }, 240_000);
    afterAll(() => registry?.stop());
    afterEach(async () => {
      worker?.child.kill("SIGKILL");
      await at?.close();
    });

    const withRegistry = (url: string) => (config: Config) => {
      config.resources.schemas = { use: "registry-confluent", options: { url } };
      config.source.options.format = { registry: "schemas" };
    };
    const cloud = (mode: "binary" | "structured", id: string) => {
      const event = new CloudEvent({
        id,
        source: "/a",
        type: "post",
        datacontenttype: "application/json",
        data: { text: "Ada in London" },
      });
      const { value, headers } = Events[mode](event) as { value: unknown; headers: Record<string, unknown> };
      const texts = Object.entries(headers).filter(([, header]) => typeof header === "string");
      return {
        value: typeof value === "string" ? value : JSON.stringify(value),
        headers: Object.fromEntries(texts) as Record<string, string>,
      };
    };
    const avro = async (id: string) => {
      const none = { images: null, language: null, createdAt: null, author: null };
      return { value: frame(await schemas.latest("posts-value"), { id, text: "Ada in London", ...none }) };
    };

    test("JSON, CloudEvents and Avro come mixed; an unknown schema is a dead letter, a tombstone nothing", async () => {
      at = await makePlace(address);
      const unknown = Buffer.concat([Buffer.from([0, 0x7f, 0, 0, 1]), Buffer.from("body")]);
      await at.send(
        post("json"),
        { key: "gone", value: null },
        cloud("binary", "binary"),
        { value: unknown },
        cloud("structured", "structured"),
        await avro("avro"),
      );
      worker = at.run(withRegistry(registry.url));
      const events = await at.events(4);
      expect(events.map(({ postId }) => postId).sort()).toEqual(["avro", "binary", "json", "structured"]);
      const [letter] = await at.letters(1);
      expect(letter).toMatchObject({
        stage: "source",
        code: "SCHEMA_UNKNOWN",
        bytes: unknown.toString("base64"),
        origin: { offset: "3" },
      });
      const { code, stderr } = await stopped(worker);
      expect([code, stderr]).toEqual([
        0,
        expect.stringContaining(
          `6 posts read, 4 answered, 1 dead-lettered to topic ${at.topics.letters} (source: SCHEMA_UNKNOWN 1)`,
        ),
      ]);
      expect(await at.committed()).toBe(6);
    });

    test("posts wait for a registry that is down, and none is lost or dead-lettered", async () => {
      at = await makePlace(address);
      await at.send(await avro("waits"));
      const down = "http://127.0.0.1:9/apis/ccompat/v7";
      worker = at.run(withRegistry(down));
      await sleep(6000);
      expect((await at.admin.fetchTopicOffsets(at.topics.letters))[0]).toMatchObject({ high: "0" });
      const { code } = await stopped(worker);
      expect([code, await at.committed()]).toEqual([0, 0]);
      worker = at.run(withRegistry(registry.url));
      expect((await at.events(1)).map(({ postId }) => postId)).toEqual(["waits"]);
      expect(await stopped(worker)).toMatchObject({ code: 0 });
    });

    test("events go out by a registered schema", async () => {
      at = await makePlace(address);
      await at.send(post("1", "Ada in London"));
      worker = at.run((config) => {
        withRegistry(registry.url)(config);
        config.sink.options.schema = { registry: "schemas", subject: "events" };
      });
      const consumer = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).consumer({
        groupId: fresh("reader"),
      });
      await consumer.connect();
      await consumer.subscribe({ topic: at.topics.entities, fromBeginning: true });
      const { promise, resolve } = Promise.withResolvers<Buffer>();
      await consumer.run({ eachMessage: async ({ message }) => resolve(message.value!) });
      const value = await promise;
      await consumer.disconnect();
      expect(isFramed(value)).toBe(true);
      const schema = await schemas.schema(value.readUInt32BE(1));
      if (schema.type !== "avro") return expect.unreachable("it is Avro");
      expect(schema.read(value.subarray(5))).toMatchObject({
        schema: "starling.entities/1",
        postId: "1",
        entities: [{ text: "Ada" }, { text: "London" }],
      });
      expect(await stopped(worker)).toMatchObject({ code: 0 });
    });
  },
);
