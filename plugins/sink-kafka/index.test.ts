import { type EntityEvent, Fault, type NewRecord, type Output, type Producer } from "starling-ner";
import { testHost, testSink } from "starling-ner/testing";
import { describe, expect, test } from "vitest";
import { sharedLog } from "../../test/kafka/client.ts";
import { noBroker } from "../../test/kafka/missing.ts";
import { encode } from "./encode.ts";
import plugin from "./index.ts";
import { sendAll } from "./send.ts";

const event = (offset: number, more: Partial<EntityEvent> = {}): EntityEvent => ({
  schema: "starling.entities/1",
  key: `posts/0:${offset}:v1`,
  postId: `${offset}`,
  revision: 0,
  final: true,
  model: "m-1",
  entities: [],
  captions: [],
  knowledge: null,
  passed: [],
  degraded: [],
  timings: { totalMs: 1, stages: {} },
  ...more,
});
const output = (offset: number, more: Partial<Output> = {}): Output => ({
  record: event(offset),
  origin: { lane: "posts/0", offset: `${offset}`, bytes: () => Buffer.from("{}") },
  post: { id: `${offset}`, text: "a", author: { handle: `author ${offset % 2}` } },
  ...more,
});
const letter = (bytes: number): Output => ({
  record: {
    schema: "starling.dead-letter/1",
    key: "posts/0:7:v1",
    postId: null,
    stage: "source",
    code: "POST_NOT_JSON",
    reason: "not JSON",
    attempts: 1,
    origin: { lane: "posts/0", offset: "7" },
    bytes: Buffer.alloc(bytes, 97).toString("base64"),
  },
  origin: { lane: "posts/0", offset: "7", bytes: () => Buffer.alloc(bytes, 97) },
});

const log = await sharedLog();
describe.skipIf(!log)(`on a real broker${noBroker ? ` (${noBroker})` : ""}`, { timeout: 60_000 }, () => {
  if (!log) return;
  const { client, makeTopic, read } = log;
  const values = async (topic: string) => (await read(topic)).map(({ value }) => JSON.parse(String(value)) as unknown);
  const open = (options: object) =>
    plugin.open(plugin.options.parse({ client: "broker", ...options }), testHost({ broker: client }));
  const live = new AbortController().signal;

  testSink({
    test,
    plugin,
    place: async () => {
      const topic = await makeTopic(2);
      return { options: { client: "broker", topic }, written: () => values(topic) };
    },
    records: [output(1), output(2), letter(10)],
    lend: { broker: client },
  });

  test("writes key and headers, and carries those of the post on", async () => {
    const topic = await makeTopic(1);
    const sink = await open({ topic });
    const headers = { traceparent: "00-1-2-01", "content-type": "application/avro", ce_id: "1", "starling-x": "1" };
    const bytes = () => Buffer.from("{}");
    await sink.write([output(1, { origin: { lane: "posts/0", offset: "1", bytes, headers } }), letter(3)], live);
    await sink.close?.();
    const [one, two] = await read(topic);
    const text = (given: object) => Object.fromEntries(Object.entries(given).map(([k, v]) => [k, String(v)]));
    expect(String(one!.key)).toBe("posts/0:1:v1");
    expect(text(one!.headers!)).toEqual({
      traceparent: "00-1-2-01",
      "content-type": "application/json",
      "starling-key": "posts/0:1:v1",
      "starling-schema": "starling.entities/1",
      "starling-model": "m-1",
      "starling-revision": "0",
    });
    expect(text(two!.headers!)).toMatchObject({ "starling-code": "POST_NOT_JSON", "starling-attempts": "1" });
  });

  test("keeps the events of one author, or of one partition, in one partition", async () => {
    for (const [partitionBy, most] of [
      ["author", 2],
      ["origin", 1],
    ] as const) {
      const topic = await makeTopic(8);
      const sink = await open({ topic, partitionBy });
      await sink.write(
        Array.from({ length: 40 }, (_, i) => output(i)),
        live,
      );
      await sink.close?.();
      const found = await read(topic);
      expect(found).toHaveLength(40);
      expect(new Set(found.map(({ partition }) => partition)).size).toBeLessThanOrEqual(most);
      const offsets = found.map(
        ({ partition, value }) => `${partition} ${JSON.parse(String(value)).postId.padStart(2)}`,
      );
      expect(offsets).toEqual(offsets.toSorted());
    }
  });

  test("a topic that refuses one event gets the others", async () => {
    const topic = await makeTopic(1, { "max.message.bytes": "3000" });
    for (const compression of ["none", "gzip"] as const) {
      const sink = await open({ topic, compression });
      const noise = Array.from({ length: 600 }, (_, i) => ({ stage: `s${Math.sin(i)}`, reason: "x" }));
      const large = output(2, { record: event(2, { passed: noise }) });
      const before = (await values(topic)).length;
      const outcomes = await sink.write([output(1), large, output(3)], live);
      await sink.close?.();
      expect(outcomes.map(({ kind }) => kind)).toEqual(["ok", "fail", "ok"]);
      const written = (await values(topic)).slice(before) as EntityEvent[];
      expect(new Set(written.map(({ postId }) => postId))).toEqual(new Set(["1", "3"]));
    }
  });
});

const rules = { topic: "t", partitionBy: "key", maxBytes: 1000 } as const;

test("what is too large fails by itself, whatever makes it so", () => {
  const noise = Array.from({ length: 99 }, () => ({ stage: "s", reason: "x" }));
  expect(encode(output(1, { record: event(1, { passed: noise }) }), rules)).toMatchObject({
    kind: "fail",
    error: { code: "LOG_RECORD_TOO_LARGE" },
  });
  expect(encode(letter(5000), rules)).toMatchObject({ kind: "fail", error: { code: "LOG_RECORD_TOO_LARGE" } });
  const headers = { long: "ä".repeat(500) };
  const origin = { lane: "posts/0", offset: "1", bytes: () => Buffer.from("{}"), headers };
  expect(encode(output(1, { origin }), rules)).toMatchObject({ kind: "fail", error: { code: "LOG_RECORD_TOO_LARGE" } });
  expect(encode(output(1), rules)).toMatchObject({ kind: "ok" });
});

describe("sendAll", () => {
  const records = Array.from({ length: 7 }, (_, i): NewRecord => ({ topic: "t", key: `${i}`, value: "" }));
  const quiet = { patienceMs: 1000, log: () => {} };
  const live = new AbortController().signal;

  test("finds the one record that is refused", async () => {
    const sent: string[] = [];
    const producer: Producer = {
      async send(batch) {
        if (batch.some(({ key }) => key === "4"))
          throw new Fault("LOG_RECORD_REFUSED", { topic: "t", reason: "large" });
        sent.push(...batch.map(({ key }) => key as string));
      },
      close: async () => {},
    };
    const outcomes = await sendAll(producer, records, quiet, live);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["ok", "ok", "ok", "ok", "fail", "ok", "ok"]);
    expect(sent).toEqual(["0", "1", "2", "3", "5", "6"]);
  });

  test("tries again while the log cannot take them, and gives up in the end", async () => {
    let tries = 0;
    const away = new Fault("LOG_UNREACHABLE", { brokers: "b", reason: "away" });
    const producer: Producer = {
      send: () => (++tries < 3 ? Promise.reject(away) : Promise.resolve()),
      close: async () => {},
    };
    expect(await sendAll(producer, records, quiet, live)).toHaveLength(7);
    expect(tries).toBe(3);
    tries = -99;
    await expect(sendAll(producer, records, { ...quiet, patienceMs: 150 }, live)).rejects.toBe(away);
  });
});
