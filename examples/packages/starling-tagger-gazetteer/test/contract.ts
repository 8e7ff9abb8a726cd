import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TagInput } from "starling-ner";
import { testHost, testTagger } from "starling-ner/testing";
import plugin from "../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "gazetteer-"));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const list = file("names.json", JSON.stringify({ LOC: ["Cork", "New York", "York"], PER: ["Nora Winter"] }));
const input = (text: string, knowledge = ""): TagInput => ({ words: text.split(" "), captions: [], knowledge });

testTagger({
  test,
  plugin,
  options: { list },
  inputs: [input("Nora Winter sings in Cork"), input("nothing here"), input("york is not NEW york")],
});

const mentionsOf = async (asked: TagInput) => {
  const tagger = await plugin.open(plugin.options.parse({ list }), testHost());
  const [outcome] = await tagger.tag([asked], AbortSignal.timeout(1000));
  return outcome?.kind === "ok" ? outcome.value.tagging.mentions : assert.fail();
};

test("takes the longest name, whatever its case", async () => {
  assert.deepEqual(await mentionsOf(input("york is not NEW york")), [
    { start: 0, end: 1, type: "LOC", confidence: 0.8 },
    { start: 3, end: 5, type: "LOC", confidence: 0.8 },
  ]);
});

test("believes a name more that the knowledge names too", async () => {
  const [{ confidence } = { confidence: 0 }] = await mentionsOf(input("off to Cork", "1. Cork (city in Ireland)"));
  assert.equal(confidence, 0.9);
});

test("check tells of a list that is none, with the file's name", async () => {
  const bad = file("bad.json", '{ "LOC": "Cork" }');
  const host = { ...testHost(), reads() {}, writes() {} };
  const found = (await plugin.check?.(plugin.options.parse({ list: bad }), host)) ?? [];
  assert.match(found[0]?.error.message ?? "", /bad\.json: .*write \{ "LOC": \["Cork"\] \}/);
});
