import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { driftSchema } from "./config.ts";
import { readReference } from "./reference.ts";

const model = join(import.meta.dirname, "../../models/default");
const missing = existsSync(join(model, "card.json")) ? "" : " (models/default is not there)";

describe.skipIf(missing)(`the reference of a model${missing}`, () => {
  test("is what its card says, over all types and of each", async () => {
    const { f1 } = await readReference(model);
    expect(Object.keys(f1).toSorted()).toEqual(["LOC", "MISC", "ORG", "PER", "all"]);
    for (const value of Object.values(f1)) expect(value).toBeGreaterThan(0.3);
  });

  test("is a given F1 instead, without types that were scored on other posts", async () => {
    const { f1, notes, population } = await readReference(model, { f1: 0.5, ignore: ["images"] });
    expect([f1, notes]).toEqual([{ all: 0.5 }, []]);
    expect(population.map(({ feature }) => feature)).toEqual(
      (await readReference(model)).population.map(({ feature }) => feature).filter((feature) => feature !== "images"),
    );
  });
});

describe("a card that is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "starling-card-"));
  writeFileSync(join(folder, "manifest.json"), '{"schema":"starling.manifest/1","name":"m","files":[]}');
  const file = join(folder, "card.json");

  test.each([
    ["{}", "scores: "],
    ['{"scores":{"int8":{"f1":"high"}}}', "scores.int8.f1: "],
    ["# Card", "Unexpected token"],
  ])("as %s, is told by its own name", async (text, why) => {
    writeFileSync(file, text);
    await expect(readReference(folder)).rejects.toMatchObject({
      code: "CARD_BROKEN",
      message: expect.stringContaining(`${file} is no card of a model: ${why}`),
    });
    expect((await readReference(folder, { f1: 0.7 })).f1).toEqual({ all: 0.7 });
  });
});

test("an F1 of no model, or in per cent, is refused", () => {
  const parse = (more: object) => driftSchema.safeParse({ events: { files: ["a"] }, ...more }).error?.issues[0]?.path;
  expect(parse({ reference: { f1: 0.8 } })).toEqual(["reference"]);
  expect(parse({ reference: { f1: 80 }, model: "m" })).toEqual(["reference", "f1"]);
  expect(parse({ reference: { f1: 0.8 }, model: "m" })).toBeUndefined();
});
