import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { schemaFiles } from "./files.ts";

const folder = new URL("../../schemas/", import.meta.url);

test("the files under schemas/ are what npm run schemas would write", () => {
  const files = schemaFiles();
  const written = readdirSync(folder).filter((name) => !name.endsWith(".avsc"));
  expect(written.sort()).toEqual([...files.keys()].sort());
  for (const [name, text] of files) expect(readFileSync(new URL(name, folder), "utf8")).toBe(text);
});
