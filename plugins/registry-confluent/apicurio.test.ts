import { readFileSync } from "node:fs";
import { decoder, frame, messagePlace } from "starling-ner";
import { testHost } from "starling-ner/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noBroker } from "../../test/kafka/missing.ts";
import { type Registry, startRegistry } from "../../test/kafka/registry.ts";
import plugin from "./index.ts";

/** What the project publishes for those who write posts. */
const postSchemaFile = new URL("../../schemas/post.schema.json", import.meta.url);
const record = (name: string, fields: readonly object[]) => JSON.stringify({ type: "record", name, fields });
const text = (name: string) => ({ name, type: "string" });
const place = messagePlace({ lane: "posts/0", offset: "4" });

describe.skipIf(noBroker)(`a real registry${noBroker ? ` (${noBroker})` : ""}`, { timeout: 60_000 }, () => {
  let server: Registry;
  beforeAll(async () => {
    server = await startRegistry();
  }, 180_000);
  afterAll(() => server?.stop());

  async function register(subject: string, entry: object): Promise<number> {
    const headers = { "content-type": "application/vnd.schemaregistry.v1+json" };
    const made = await fetch(`${server.url}/subjects/${subject}/versions`, {
      method: "POST",
      headers,
      body: JSON.stringify(entry),
    });
    const { id } = (await made.json()) as { id?: number };
    return id ?? expect.unreachable(`it did not take the schema: ${made.status}`);
  }
  const open = () => plugin.open(plugin.options.parse({ url: server.url }), testHost());

  test("a post goes there by Avro and comes back", async () => {
    const id = await register("posts-value", { schema: record("Post", [text("id"), text("text")]) });
    const writer = await (await open()).latest("posts-value");
    expect(writer).toMatchObject({ id, type: "avro" });
    const post = { id: "1", text: "Ada in Zürich" };
    const decode = decoder({ kind: "auto" }, await open());
    expect(await decode({ bytes: frame(writer, post), headers: {} }, place)).toEqual({ kind: "ok", value: post });
  });

  test("a post goes there by JSON Schema and comes back", async () => {
    await register("json-value", { schemaType: "JSON", schema: readFileSync(postSchemaFile, "utf8") });
    const writer = await (await open()).latest("json-value");
    expect(writer.type).toBe("json");
    const post = { id: "1", text: "Ada" };
    const decode = decoder({ kind: "registry" }, await open());
    expect(await decode({ bytes: frame(writer, post), headers: {} }, place)).toEqual({ kind: "ok", value: post });
  });

  test("a schema brings those that it refers to", async () => {
    await register("author", { schema: record("Author", [text("handle")]) });
    const references = [{ name: "Author", subject: "author", version: 1 }];
    const schema = record("Signed", [text("id"), text("text"), { name: "author", type: "Author" }]);
    await register("signed-value", { schema, references });
    const writer = await (await open()).latest("signed-value");
    const post = { id: "1", text: "Hi", author: { handle: "ada" } };
    const decode = decoder({ kind: "auto" }, await open());
    expect(await decode({ bytes: frame(writer, post), headers: {} }, place)).toEqual({ kind: "ok", value: post });
  });

  test("what it does not know is unknown, not unavailable", async () => {
    const registry = await open();
    await expect(registry.schema(999_999)).rejects.toMatchObject({ code: "SCHEMA_UNKNOWN" });
    await expect(registry.latest("nothing")).rejects.toMatchObject({ code: "SCHEMA_UNKNOWN" });
  });
});
