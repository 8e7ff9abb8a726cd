import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noBroker } from "./missing.ts";
import { type Registry, startRegistry } from "./registry.ts";

describe.skipIf(noBroker)(
  `the schema registry of the tests${noBroker ? ` (${noBroker})` : ""}`,
  { timeout: 120_000 },
  () => {
    let registry: Registry;
    beforeAll(async () => {
      registry = await startRegistry();
    }, 180_000);
    afterAll(() => registry?.stop());

    test("gives a schema back by its id", async () => {
      const schema = JSON.stringify({ type: "record", name: "Post", fields: [{ name: "id", type: "string" }] });
      const headers = { "content-type": "application/vnd.schemaregistry.v1+json" };
      const made = await fetch(`${registry.url}/subjects/posts-value/versions`, {
        method: "POST",
        headers,
        body: JSON.stringify({ schema }),
      });
      const { id } = (await made.json()) as { id: number };
      const found = (await (await fetch(`${registry.url}/schemas/ids/${id}`)).json()) as { schema: string };
      expect(JSON.parse(found.schema)).toEqual(JSON.parse(schema));
    });
  },
);
