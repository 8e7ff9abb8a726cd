import avsc from "avsc";
import fc from "fast-check";
import { decoder, type Fault, frame, messagePlace, type Outcome, type Post, type SchemaRegistry } from "starling-ner";
import { testHost, testResource } from "starling-ner/testing";
import { afterAll, describe, expect, test } from "vitest";
import { countsCheck } from "./counts.ts";
import plugin from "./index.ts";
import { startRegistry } from "./server.test-help.ts";

const place = messagePlace({ lane: "posts/0", offset: "4" });
const postSchema = {
  type: "record",
  name: "Post",
  fields: [
    { name: "id", type: "string" },
    { name: "text", type: "string" },
    { name: "language", type: ["null", "string"], default: null },
    { name: "createdAt", type: ["null", { type: "long", logicalType: "timestamp-millis" }], default: null },
    {
      name: "images",
      default: null,
      type: [
        "null",
        {
          type: "array",
          items: {
            type: "record",
            name: "Image",
            fields: [
              { name: "src", type: ["null", "string"], default: null },
              { name: "bytes", type: ["null", "bytes"], default: null },
              { name: "alt", type: ["null", "string"], default: null },
            ],
          },
        },
      ],
    },
  ],
} as const;
const avro = JSON.stringify(postSchema);

type Settings = Parameters<typeof plugin.options.parse>[0];
const open = (options: Settings, host = testHost()): Promise<SchemaRegistry> =>
  plugin.open(plugin.options.parse(options), host);
const codeOf = (outcome: Outcome<Post>) => (outcome.kind === "fail" ? (outcome.error as Fault).code : outcome.kind);
const framed = (id: number, body: Uint8Array) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(id, 1);
  return Buffer.concat([head, body]);
};
const message = (bytes: Uint8Array) => ({ bytes, headers: {} });

const forContract = await startRegistry();
afterAll(() => forContract[Symbol.asyncDispose]());
testResource({ test, plugin, options: { url: forContract.url } });

describe("reading", () => {
  test("a post of Avro: nulls are absent, bytes are base64, times are texts", async () => {
    await using server = await startRegistry();
    const id = server.register("posts-value", { schema: avro });
    const body = avsc.Type.forSchema(postSchema as never).toBuffer({
      id: "1",
      text: "Ada in London",
      createdAt: Date.parse("2026-05-02T19:41:00Z"),
      images: [{ bytes: Buffer.from("png!"), src: null, alt: "A portrait" }],
    });
    const decode = decoder({ kind: "auto" }, await open({ url: server.url }));
    const value = {
      id: "1",
      text: "Ada in London",
      createdAt: "2026-05-02T19:41:00.000Z",
      images: [{ bytes: "cG5nIQ==", alt: "A portrait" }],
    };
    expect(await decode(message(framed(id, body)), place)).toEqual({ kind: "ok", value });
    // From now on there is nothing to wait for.
    expect(decode(message(framed(id, body)), place)).toEqual({ kind: "ok", value });
    expect(server.asked).toEqual(["/subjects", "/schemas/ids/1"]);
  });

  test("a post of JSON Schema", async () => {
    await using server = await startRegistry();
    const id = server.register("posts-value", { schema: '{"type":"object"}', schemaType: "JSON" });
    const decode = decoder({ kind: "registry" }, await open({ url: server.url }));
    const bytes = framed(id, Buffer.from('{"id":"1","text":"Ada"}'));
    expect(await decode(message(bytes), place)).toEqual({ kind: "ok", value: { id: "1", text: "Ada" } });
  });

  test("a schema that refers to others, which refer to others", async () => {
    await using server = await startRegistry();
    const record = (name: string, fields: readonly object[]) => JSON.stringify({ type: "record", name, fields });
    const refers = (name: string, subject: string) => ({ references: [{ name, subject, version: 1 }] });
    server.register("deep", { schema: record("Deep", [{ name: "handle", type: "string" }]) });
    server.register("author", { schema: JSON.stringify({ type: "array", items: "Deep" }), ...refers("Deep", "deep") });
    const id = server.register("post", {
      schema: record("Post", [
        { name: "id", type: "string" },
        { name: "text", type: "string" },
        { name: "author", type: "Deep" },
      ]),
      ...refers("Deep", "deep"),
    });
    const text = (value: string) => Buffer.concat([Buffer.from([value.length * 2]), Buffer.from(value)]);
    const body = Buffer.concat(["1", "Hi", "ada"].map(text));
    const decode = decoder({ kind: "auto" }, await open({ url: server.url }));
    expect(await decode(message(framed(id, body)), place)).toEqual({
      kind: "ok",
      value: { id: "1", text: "Hi", author: { handle: "ada" } },
    });
  });

  test("many who ask for one schema at once make one request", async () => {
    await using server = await startRegistry();
    const id = server.register("posts-value", { schema: avro });
    const registry = await open({ url: server.url });
    await Promise.all(Array.from({ length: 50 }, () => registry.schema(id)));
    expect(server.asked).toEqual(["/subjects", `/schemas/ids/${id}`]);
  });

  test("one who leaves does not take the others along", async () => {
    await using server = await startRegistry();
    const id = server.register("posts-value", { schema: avro });
    const registry = await open({ url: server.url });
    const stop = new AbortController();
    const [left, stayed] = [registry.schema(id, stop.signal), registry.schema(id)];
    stop.abort(new Error("revoked"));
    await expect(left).rejects.toThrow("revoked");
    expect(await stayed).toMatchObject({ id, type: "avro" });
  });
});

describe("what cannot be read", () => {
  test("an unknown number is a dead letter, and is not asked for again soon", async () => {
    await using server = await startRegistry();
    const registry = await open({ url: server.url, forgetMs: 60_000 });
    const decode = decoder({ kind: "auto" }, registry);
    for (let i = 0; i < 3; i++)
      expect(codeOf(await decode(message(framed(77, Buffer.alloc(1))), place))).toBe("SCHEMA_UNKNOWN");
    expect(server.asked).toEqual(["/subjects", "/schemas/ids/77"]);
  });

  test("a number that the registry learns of later is found once it is asked for again", async () => {
    await using server = await startRegistry();
    const registry = await open({ url: server.url, forgetMs: 0 });
    await expect(registry.schema(1)).rejects.toMatchObject({ code: "SCHEMA_UNKNOWN" });
    server.register("late", { schema: avro });
    expect(await registry.schema(1)).toMatchObject({ id: 1 });
  });

  test.each([
    ["Protobuf", { schema: 'syntax = "proto3";', schemaType: "PROTOBUF" }, "it is of the type PROTOBUF"],
    ["a broken schema", { schema: '{"type":"nonsense"}' }, "nonsense"],
  ])("%s is refused with a sentence", async (_what, entry, reason) => {
    await using server = await startRegistry();
    const id = server.register("odd", entry);
    await expect((await open({ url: server.url })).schema(id)).rejects.toMatchObject({
      code: "SCHEMA_UNREADABLE",
      retry: false,
      message: expect.stringContaining(reason),
    });
  });

  test("any bytes behind a known number are a post or a fault, soon", async () => {
    await using server = await startRegistry();
    const id = server.register("posts-value", { schema: avro });
    const registry = await open({ url: server.url });
    await registry.schema(id);
    const decode = decoder({ kind: "auto" }, registry);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (body) => {
        const outcome = decode(message(framed(id, body)), place);
        if (outcome instanceof Promise) return expect.unreachable("the schema is here");
        expect(["SCHEMA_UNFIT", "POST_INVALID", "ok"]).toContain(codeOf(outcome));
      }),
      { numRuns: 2000 },
    );
  });

  test("a list that says it is longer than its bytes is refused before memory is taken", async () => {
    await using server = await startRegistry();
    const id = server.register("posts-value", { schema: avro });
    const long = avsc.Type.forSchema("long");
    const empty = avsc.Type.forSchema(postSchema as never).toBuffer({ id: "1", text: "Ada", images: [] });
    // The last byte is the empty list; in its place stands a list of a billion pictures.
    const body = Buffer.concat([empty.subarray(0, -1), long.toBuffer(1e9), Buffer.from([2, 2])]);
    const began = performance.now();
    const outcome = await decoder({ kind: "auto" }, await open({ url: server.url }))(message(framed(id, body)), place);
    expect(codeOf(outcome)).toBe("SCHEMA_UNFIT");
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe("a registry that is down", () => {
  const failing = [
    ["refuses connections", undefined, /ECONNREFUSED/],
    ["gives no answer", () => {}, /none within 200 ms/],
    ["fails", (response) => void response.writeHead(503).end("busy"), /status 503/],
    ["answers what is not JSON", (response) => void response.writeHead(200).end("<html>"), /not JSON/],
    [
      "is behind a proxy that knows no such page",
      (response) => void response.writeHead(404).end("nginx"),
      /status 404/,
    ],
    ["redirects", (response) => void response.writeHead(302, { location: "http://127.0.0.1:9/" }).end(), /redirect/],
  ] as const satisfies readonly (readonly [
    string,
    Parameters<Awaited<ReturnType<typeof startRegistry>>["breakWith"]>[0],
    RegExp,
  ])[];

  test.each(failing)("%s: a fault that a retry may mend, and the next try finds it", async (what, how, reason) => {
    const server = await startRegistry();
    const id = server.register("posts-value", { schema: avro });
    const registry = await open({ url: server.url, timeoutMs: 200 });
    if (what === "refuses connections") await server[Symbol.asyncDispose]();
    else server.breakWith(how);
    await expect(registry.schema(id)).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
      retry: true,
      message: expect.stringMatching(reason),
    });
    if (what === "refuses connections") return;
    server.breakWith(undefined);
    expect(await registry.schema(id)).toMatchObject({ id, type: "avro" });
    await server[Symbol.asyncDispose]();
  });

  test("does not keep a pipeline from opening", async () => {
    const server = await startRegistry();
    await server[Symbol.asyncDispose]();
    expect((await open({ url: server.url })).known(1)).toBeUndefined();
  });
});

describe("credentials", () => {
  const basic = `Basic ${Buffer.from("ada:s3cret").toString("base64")}`;

  test.each([
    ["a name and a password", basic, { username: "ada", password: "s3cret" }],
    ["a token", "Bearer t0ken", { token: "t0ken" }],
  ])("%s go with every request", async (_what, authorization, given) => {
    await using server = await startRegistry({ authorization });
    const id = server.register("posts-value", { schema: avro });
    expect(await (await open({ url: server.url, ...given })).schema(id)).toMatchObject({ id });
  });

  test("that are wrong are told at opening, without being shown", async () => {
    await using server = await startRegistry({ authorization: basic });
    const refused = open({ url: server.url, username: "ada", password: "wr0ng" });
    await expect(refused).rejects.toMatchObject({ code: "REGISTRY_REFUSED", details: { status: 401 } });
    await expect(refused).rejects.not.toThrow(/wr0ng|Basic/);
  });

  test.each([
    [{ url: "http://registry.example", username: "a", password: "b" }, "unencrypted"],
    [{ url: "http://registry.example", token: "a" }, "unencrypted"],
    [{ url: "https://ada:s3cret@registry.example" }, "which messages would show"],
    [{ url: "https://registry.example", username: "a" }, "both username and password"],
    [{ url: "https://registry.example", username: "a", password: "b", token: "c" }, "excludes"],
    [{ url: "ftp://registry.example" }, "URL"],
  ])("are refused where they would leak or make no sense: %j", (given, reason) => {
    const refused = plugin.options.safeParse(given);
    expect(refused.error?.issues.map(({ message }) => message).join()).toContain(reason);
  });
});

describe("writing", () => {
  test("Avro by the newest schema of a subject, read again by anyone who knows the number", async () => {
    await using server = await startRegistry();
    server.register("entities-value", { schema: JSON.stringify({ type: "record", name: "Old", fields: [] }) });
    const id = server.register("entities-value", { schema: avro });
    const registry = await open({ url: server.url });
    const schema = await registry.latest("entities-value");
    const post = { id: "1", text: "Ada", createdAt: "2026-05-02T19:41:00.000Z" };
    const bytes = frame(schema, { language: null, images: null, ...post });
    expect(bytes.readUInt32BE(1)).toBe(id);
    expect(decoder({ kind: "auto" }, registry)(message(bytes), place)).toEqual({ kind: "ok", value: post });
    await expect(registry.latest("nothing")).rejects.toMatchObject({ code: "SCHEMA_UNKNOWN" });
  });
});

describe("countsCheck", () => {
  const schema = {
    type: "record",
    name: "All",
    fields: [
      { name: "a", type: "boolean" },
      { name: "b", type: "int" },
      { name: "c", type: "long" },
      { name: "d", type: "float" },
      { name: "e", type: "double" },
      { name: "f", type: "bytes" },
      { name: "g", type: "string" },
      { name: "h", type: { type: "fixed", name: "Four", size: 4 } },
      { name: "i", type: { type: "enum", name: "Kind", symbols: ["X", "Y"] } },
      { name: "j", type: { type: "map", values: ["null", "string"] } },
      { name: "k", type: { type: "array", items: "All" } },
    ],
  };
  const type = avsc.Type.forSchema(schema as never);

  test("lets every body pass that the library writes", () => {
    const check = countsCheck(type) ?? expect.unreachable("it holds lists");
    const { all } = fc.letrec((tie) => ({
      all: fc.record({
        a: fc.boolean(),
        b: fc.integer(),
        // The library takes one less than what is safe.
        c: fc.integer({ min: 1 - Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER - 1 }),
        d: fc.float({ noNaN: true }),
        e: fc.double({ noNaN: true }),
        f: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        g: fc.string({ unit: "grapheme" }),
        h: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
        i: fc.constantFrom("X", "Y"),
        j: fc.dictionary(
          fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
          fc.option(fc.string()),
        ),
        k: fc.oneof({ maxDepth: 2 }, fc.constant([]), fc.array(tie("all"), { maxLength: 2 })),
      }),
    }));
    fc.assert(
      fc.property(all, (value) => {
        const body = type.toBuffer(value);
        check(body);
        // Each byte is needed: whatever is cut off, the walk misses it.
        expect(() => check(body.subarray(0, -1))).toThrow(RangeError);
      }),
    );
  });

  test("is not there for a type without lists", () => {
    expect(
      countsCheck(avsc.Type.forSchema({ type: "record", name: "R", fields: [{ name: "a", type: "string" }] })),
    ).toBeUndefined();
  });
});
