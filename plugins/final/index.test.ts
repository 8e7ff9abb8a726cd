import { type Facts, fail, type Tagger, type Tagging, type View } from "starling-ner";
import { testHost, testStage } from "starling-ner/testing";
import { describe, expect, test } from "vitest";
import { tinyTagger } from "../../test/fixtures/plugins/tiny-tagger.ts";
import final from "./index.ts";

type Known = Partial<Pick<Facts, "draft" | "captions" | "knowledge">>;
const view = (text: string, facts: Known = {}): View<never, "draft" | "captions" | "knowledge"> => ({
  post: { id: text, text },
  facts,
});
const captions = [{ image: 0, text: "a stage", source: "test" }];
const knowledge = { text: "Adele is a singer.", names: [], source: "test", usd: 0 };
const draft = (change: Partial<Tagging> = {}): Tagging => ({
  mentions: [],
  expected: { correct: 0, gold: 0 },
  context: "text",
  model: tinyTagger.model.version,
  ...change,
});
const failsOn = (bad: string, { model, tag }: Tagger): Tagger => ({
  model,
  tag: async (inputs, signal) =>
    (await tag(inputs, signal)).map((outcome, i) => (inputs[i]?.words.includes(bad) ? fail(new Error(bad)) : outcome)),
});

testStage({
  test,
  plugin: final,
  options: { tagger: "encoder" },
  batch: [view("Adele sings"), view("Adele sings", { draft: draft(), knowledge }), view("", { captions })],
  bad: view("broken post"),
  lend: { encoder: failsOn("broken", tinyTagger) },
});

const open = () => final.open({ tagger: "t" }, testHost({ t: tinyTagger }));

describe("quick", () => {
  test("answers the draft where nothing new came", async () => {
    const known = draft();
    expect((await open()).quick?.(view("Adele", { draft: known }))).toEqual({ kind: "ok", value: { tagging: known } });
  });

  test("answers a draft that has read the captions already", async () => {
    const known = draft({ context: "text+captions" });
    expect((await open()).quick?.(view("Adele", { draft: known, captions }))).toMatchObject({ kind: "ok" });
  });

  test.each<[string, Known]>([
    ["there is no draft", {}],
    ["knowledge came", { draft: draft(), knowledge }],
    ["captions came after the draft", { draft: draft(), captions }],
    ["another model wrote the draft", { draft: draft({ model: "other" }) }],
  ])("leaves a post to run where %s", async (_, facts) => {
    expect((await open()).quick?.(view("Adele", facts))).toBeUndefined();
  });

  test("takes empty captions and empty knowledge for nothing new", async () => {
    const empty = { captions: [{ ...captions[0]!, text: "" }], knowledge: { ...knowledge, text: "" } };
    expect((await open()).quick?.(view("Adele", { draft: draft(), ...empty }))).toMatchObject({ kind: "ok" });
  });
});

test("run reads text, captions and knowledge", async () => {
  const [outcome] = await (await open()).run([view("Adele", { captions, knowledge })], new AbortController().signal);
  expect(outcome).toMatchObject({ value: { tagging: { context: "text+captions+knowledge" } } });
});
