import { CloudEvent, Kafka } from "cloudevents";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { Post } from "../schema/post.ts";
import { contentMode } from "./cloud-event.ts";
import { decoder, formatSchema } from "./decoder.ts";
import { frame } from "./framed.ts";
import { type Message, messagePlace } from "./message.ts";
import type { RegisteredSchema, SchemaRegistry } from "./registry.ts";

const place = messagePlace({ lane: "posts/3", offset: "17" });
const bytesOf = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const plain = (value: unknown, headers: Message["headers"] = {}): Message => ({ bytes: bytesOf(value), headers });
const decode = decoder({ kind: "auto" });
const now = (outcome: ReturnType<typeof decode>): Outcome<Post> =>
  outcome instanceof Promise ? expect.unreachable("nothing has to be fetched") : outcome;
const codeOf = (outcome: Outcome<Post>) => (outcome.kind === "fail" ? (outcome.error as Fault).code : outcome.kind);
const reasonOf = (outcome: Outcome<Post>) => (outcome.kind === "fail" ? outcome.error.message : outcome.kind);

const text = fc.string({ minLength: 1, unit: "grapheme" }).filter((value) => /\S/.test(value));
const post = fc.record(
  {
    id: fc.string({ minLength: 1, unit: "grapheme" }),
    text,
    language: fc.constantFrom("en", "pt-BR"),
    createdAt: fc.constantFrom("2026-05-02T19:41:00Z", "2026-02-28T00:00:00.5+02:00"),
    author: fc.record({ handle: fc.string({ minLength: 1, unit: "grapheme" }) }),
    images: fc.array(fc.record({ src: fc.constantFrom("a.png", "https://example.org/b.png"), alt: text }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: ["id", "text"] },
);
const attributes = fc.record({
  id: fc.string({ minLength: 1, unit: "grapheme" }),
  time: fc
    .date({ noInvalidDate: true, min: new Date("2000-01-01"), max: new Date("2100-01-01") })
    .map((date) => date.toISOString()),
  source: fc.constantFrom("/feeds/1", "https://example.org/posts"),
});

/** The message that the CloudEvents SDK makes of an event. */
function sent(mode: "binary" | "structured", event: ConstructorParameters<typeof CloudEvent>[0]): Message {
  const { value, headers } = Kafka[mode](new CloudEvent(event) as never) as {
    value: unknown;
    headers: Record<string, unknown>;
  };
  const texts = Object.entries(headers).filter(([, header]) => typeof header === "string");
  return { bytes: bytesOf(value), headers: Object.fromEntries(texts) as Record<string, string> };
}

describe("JSON", () => {
  test("any post comes back from its bytes", () => {
    fc.assert(
      fc.property(post, fc.boolean(), (given, mark) => {
        const bytes = Buffer.concat([Buffer.from(mark ? [0xef, 0xbb, 0xbf] : []), bytesOf(given)]);
        expect(decode({ bytes, headers: {} }, place)).toEqual({ kind: "ok", value: given });
      }),
    );
  });

  test("any bytes are a post or a fault that names topic, partition and offset", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const outcome = now(decode({ bytes, headers: {} }, place));
        expect(outcome.kind).toBe("fail");
        expect(reasonOf(outcome)).toMatch(/^posts\/3 offset 17[,:]/);
      }),
    );
  });

  test("bytes that are not UTF-8 are told with the first bad one", () => {
    const bytes = Buffer.from([0x22, 0xc3, 0xa9, 0xff, 0x22]);
    expect(reasonOf(now(decode({ bytes, headers: {} }, place)))).toBe(
      "posts/3 offset 17, byte 4: not UTF-8; convert the input, for example with iconv",
    );
  });

  test("a lone surrogate becomes one replacement character", () => {
    expect(decode(plain('{"id":"1","text":"a\\ud800b"}'), place)).toMatchObject({ value: { text: "a\ufffdb" } });
  });
});

test("a tombstone is passed over, whatever its headers and the format", () => {
  for (const kind of ["auto", "json", "cloudevents", "registry"] as const)
    for (const headers of [{}, { ce_specversion: "1.0" }])
      expect(decoder({ kind })({ bytes: null, headers }, place)).toEqual({
        kind: "pass",
        reason: "tombstone",
        degraded: false,
      });
});

describe("CloudEvents", () => {
  test.each(["binary", "structured"] as const)("any post in the data of an event of the SDK comes back: %s", (mode) => {
    fc.assert(
      fc.property(post, attributes, (data, { id, time, source }) => {
        const message = sent(mode, { id, time, source, type: "post", datacontenttype: "application/json", data });
        expect(contentMode(message.headers)).toBe(mode);
        // What the data says of itself counts; the event says when, where the post does not.
        expect(decode(message, place)).toEqual({ kind: "ok", value: { createdAt: time, ...data } });
      }),
    );
  });

  test.each(["binary", "structured"] as const)("plain text with id and time of the event is a post: %s", (mode) => {
    fc.assert(
      fc.property(text, attributes, (data, { id, time, source }) => {
        const message = sent(mode, { id, time, source, type: "post", datacontenttype: "text/plain", data });
        expect(decode(message, place)).toEqual({ kind: "ok", value: { id, createdAt: time, text: data } });
      }),
    );
  });

  test("data in base64 is read by its type", () => {
    const event = { specversion: "1.0", id: "7", source: "/a", type: "post" };
    const headers = { "content-type": "application/cloudevents+json; charset=utf-8" };
    const base64 = bytesOf({ text: "Ada" }).toString("base64");
    expect(decode(plain({ ...event, data_base64: base64 }, headers), place)).toEqual({
      kind: "ok",
      value: { id: "7", text: "Ada" },
    });
    expect(codeOf(now(decode(plain({ ...event, data_base64: "?" }, headers), place)))).toBe("CLOUDEVENT_INVALID");
  });

  test("any headers that say CloudEvent, over any bytes, are a post or a fault that names its place", () => {
    const header = fc.oneof(
      fc.constantFrom(
        "1.0",
        "0.3",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json",
        "text/plain",
        "application/cloudevents+avro",
      ),
      fc.string(),
    );
    const headers = fc.dictionary(
      fc.constantFrom(
        "content-type",
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_time",
        "ce_datacontenttype",
      ),
      header,
    );
    const body = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.jsonValue().map(bytesOf), post.map(bytesOf));
    fc.assert(
      fc.property(headers, body, (given, bytes) => {
        const outcome = now(decode({ bytes, headers: given }, place));
        if (outcome.kind !== "ok") expect(reasonOf(outcome)).toMatch(/^posts\/3 offset 17[,:]/);
      }),
      { numRuns: 1000 },
    );
  });

  const good = { ce_specversion: "1.0", ce_id: "1", ce_source: "/a", ce_type: "post" };
  test.each([
    ["another version", { ...good, ce_specversion: "0.3" }, 'specversion is "0.3", and 1.0 is read here'],
    ["no source", { ce_specversion: "1.0", ce_id: "1", ce_type: "t" }, "the attribute source is missing"],
    ["an empty id", { ...good, ce_id: "" }, "the attribute id is no text"],
    [
      "data of another type",
      { ...good, "content-type": "image/png" },
      "data of the type image/png is not read here; send application/json or text/plain",
    ],
    [
      "a batch",
      { "content-type": "application/cloudevents-batch+json" },
      "it is a batch of events; send each event as a message of its own",
    ],
    [
      "another event format",
      { "content-type": "application/cloudevents+avro" },
      "the event format application/cloudevents+avro is not read here; send application/cloudevents+json",
    ],
  ])("%s is refused with a sentence", (_what, headers, reason) => {
    const outcome = now(decode(plain({ text: "Ada" }, headers), place));
    expect(codeOf(outcome)).toBe("CLOUDEVENT_INVALID");
    expect(reasonOf(outcome)).toBe(`posts/3 offset 17: not a CloudEvent that can be read: ${reason}`);
  });

  test("what is wrong with the data is told of the data", () => {
    expect(reasonOf(now(decode(plain('{"text": 1}', good), place)))).toBe(
      "posts/3 offset 17, data: text: expected string, received number",
    );
    expect(reasonOf(now(decode(plain("{", good), place)))).toMatch(/^posts\/3 offset 17, data, column 2: not JSON/);
  });

  test("an event without data, or with a list for data, is no post", () => {
    const structured = (event: object) =>
      now(decode(plain(event, { "content-type": "application/cloudevents+json" }), place));
    const event = { specversion: "1.0", id: "1", source: "/a", type: "t" };
    expect(codeOf(structured(event))).toBe("CLOUDEVENT_INVALID");
    expect(codeOf(structured({ ...event, data: [] }))).toBe("POST_INVALID");
    expect(codeOf(structured([]))).toBe("CLOUDEVENT_INVALID");
    expect(codeOf(structured({ ...event, data: {}, data_base64: "" }))).toBe("CLOUDEVENT_INVALID");
  });

  test("the format decides over the headers", () => {
    const message = plain({ id: "2", text: "Ada" }, good);
    expect(decoder({ kind: "json" })(message, place)).toEqual({ kind: "ok", value: { id: "2", text: "Ada" } });
    expect(codeOf(now(decoder({ kind: "cloudevents" })(plain({ id: "2", text: "Ada" }), place)))).toBe(
      "CLOUDEVENT_INVALID",
    );
  });
});

describe("bytes with the number of a schema in front", () => {
  const json: RegisteredSchema = { id: 5, type: "json" };
  const avro: RegisteredSchema = {
    id: 6,
    type: "avro",
    read: (body) => (body.length === 0 ? undefined : { text: Buffer.from(body).toString("latin1"), id: "avro" }),
    write: () => Buffer.alloc(0),
  };
  const registry = (known: readonly RegisteredSchema[]): SchemaRegistry => ({
    known: (id) => known.find((schema) => schema.id === id),
    schema: async (id) => {
      if (id === 9) throw new Fault("REGISTRY_UNAVAILABLE", { registry: "r", reason: "ECONNREFUSED" });
      return (
        [json, avro].find((schema) => schema.id === id) ??
        Promise.reject(new Fault("SCHEMA_UNKNOWN", { registry: "r", schema: String(id) }))
      );
    },
    latest: () => expect.unreachable("reading asks for numbers"),
  });
  const framed = (id: number, body: string | Buffer) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(id, 1);
    return Buffer.concat([head, Buffer.from(body)]);
  };

  test("a known schema answers at once, another is fetched first", async () => {
    const message = { bytes: framed(5, '{"id":"1","text":"Ada"}'), headers: {} };
    const post = { kind: "ok", value: { id: "1", text: "Ada" } };
    expect(decoder({ kind: "auto" }, registry([json]))(message, place)).toEqual(post);
    const fetched = decoder({ kind: "auto" }, registry([]))(message, place);
    expect(fetched).toBeInstanceOf(Promise);
    expect(await fetched).toEqual(post);
  });

  test("an Avro value is held against what a post is", async () => {
    const decode = decoder({ kind: "registry" }, registry([avro]));
    expect(decode({ bytes: framed(6, "Ada"), headers: {} }, place)).toEqual({
      kind: "ok",
      value: { id: "avro", text: "Ada" },
    });
    expect(reasonOf(now(decode({ bytes: framed(6, ""), headers: {} }, place)))).toMatch(/^posts\/3 offset 17: post: /);
  });

  test("an unknown number is lost, a registry that is down is not", async () => {
    const decode = decoder({ kind: "auto" }, registry([]));
    const at = async (id: number) => {
      const outcome = await decode({ bytes: framed(id, "{}"), headers: {} }, place);
      return outcome.kind === "fail" && [(outcome.error as Fault).code, (outcome.error as Fault).retry];
    };
    expect(await at(8)).toEqual(["SCHEMA_UNKNOWN", false]);
    expect(await at(9)).toEqual(["REGISTRY_UNAVAILABLE", true]);
  });

  test("with a signal it waits for a registry that is down, until that comes back or the signal aborts", async () => {
    let tries = 0;
    const schema = async () =>
      ++tries < 3 ? Promise.reject(new Fault("REGISTRY_UNAVAILABLE", { registry: "r", reason: "ECONNREFUSED" })) : json;
    const message = { bytes: framed(5, '{"id":"1","text":"Ada"}'), headers: {} };
    const decode = decoder({ kind: "auto" }, { ...registry([]), schema });
    expect(await decode(message, place, new AbortController().signal)).toMatchObject({ kind: "ok" });
    expect(tries).toBe(3);
    tries = Number.NEGATIVE_INFINITY;
    const began = performance.now();
    expect(await decode(message, place, AbortSignal.timeout(50))).toMatchObject({ kind: "fail" });
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test("the data of a CloudEvent may be such bytes, and the event completes it", () => {
    const headers = {
      ce_specversion: "1.0",
      ce_id: "7",
      ce_source: "/a",
      ce_type: "t",
      "content-type": "application/avro",
    };
    const outcome = decoder({ kind: "auto" }, registry([json]))({ bytes: framed(5, '{"text":"Ada"}'), headers }, place);
    expect(outcome).toEqual({ kind: "ok", value: { id: "7", text: "Ada" } });
  });

  test("bytes without a number are refused where the format asks for one", () => {
    const decode = decoder({ kind: "registry" }, registry([]));
    for (const bytes of [Buffer.alloc(0), Buffer.from([0, 0, 0, 1]), bytesOf({ id: "1", text: "a" })])
      expect(codeOf(now(decode({ bytes, headers: {} }, place)))).toBe("SCHEMA_HEAD_MISSING");
  });

  test("what frame writes is what is read", () => {
    fc.assert(
      fc.property(post, (given) => {
        const decode = decoder({ kind: "registry" }, registry([json]));
        expect(decode({ bytes: frame(json, given), headers: {} }, place)).toEqual({ kind: "ok", value: given });
      }),
    );
  });
});

test("a format of the kind registry names one", () => {
  expect(formatSchema.parse({})).toEqual({ kind: "auto" });
  expect(formatSchema.safeParse({ kind: "registry" }).error?.issues[0]?.path).toEqual(["registry"]);
});
