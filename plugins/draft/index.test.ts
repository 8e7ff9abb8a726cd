import { type Caption, fail, ok, type Post, type Tagger, type View } from "starling-ner";
import { testStage } from "starling-ner/testing";
import { expect, test } from "vitest";
import { tinyTagger } from "../../test/fixtures/plugins/tiny-tagger.ts";
import draft from "./index.ts";

const view = (text: string, captions?: readonly Caption[]): View<never, "captions"> => ({
  post: { id: text, text },
  facts: captions ? { captions } : {},
});
const caption: Caption = { image: 0, text: "a stage", source: "test" };
const failsOn = (bad: string, { model, tag }: Tagger): Tagger => ({
  model,
  tag: async (inputs, signal) =>
    (await tag(inputs, signal)).map((outcome, i) => (inputs[i]?.words.includes(bad) ? fail(new Error(bad)) : outcome)),
});

testStage({
  test,
  plugin: draft,
  options: { tagger: "encoder" },
  batch: [view("Adele sings"), view("nothing here", [caption]), view("")],
  bad: view("broken post"),
  lend: { encoder: failsOn("broken", tinyTagger) },
});

const open = (tagger: Tagger, featureIsRead = true) =>
  draft.open(
    { tagger: "t" },
    {
      borrow: <T>() => tagger as T,
      log() {},
      warn() {},
      count() {},
      measure() {},
      resolve: (path) => path,
      purpose: "serve",
      delivery: "at-least-once",
      order: "none",
      window: 512,
      isRead: (fact) => fact !== "feature" || featureIsRead,
    },
  );
const live = new AbortController().signal;

test("gives tagging and feature of text and captions", async () => {
  const stage = await open(tinyTagger);
  const [outcome] = await stage.run([view("Adele sings", [caption])], live);
  expect(outcome).toMatchObject({
    kind: "ok",
    value: { draft: { mentions: [{ start: 0, end: 1 }], context: "text+captions" }, feature: { of: "text+captions" } },
  });
});

test("asks for no feature that nobody reads", async () => {
  const asked: string[] = [];
  const both: Tagger = {
    model: tinyTagger.model,
    tag: async () => expect.unreachable(),
    async taggings(inputs, signal) {
      asked.push("taggings");
      const outcomes = await tinyTagger.tag(inputs, signal);
      return outcomes.map((one) => (one.kind === "ok" ? ok(one.value.tagging) : one));
    },
  };
  const said = await Promise.all(
    [both, tinyTagger].map(async (tagger) => (await open(tagger, false)).run([view("Adele sings")], live)),
  );
  expect(asked).toEqual(["taggings"]);
  expect(said[0]).toEqual(said[1]);
  expect(said[0]).toMatchObject([{ kind: "ok", value: { draft: { mentions: [{ start: 0, end: 1 }] } } }]);
  expect(Object.keys((said[0]![0] as { value: object }).value)).toEqual(["draft"]);
});

test("reads the words that the source marked, where it did", async () => {
  const post: Post = { id: "1", text: "New York", words: [{ start: 0, end: 8 }] };
  const [outcome] = await (await open(tinyTagger)).run([{ post, facts: {} }], live);
  expect(outcome).toMatchObject({ value: { draft: { mentions: [{ start: 0, end: 1 }] } } });
});

test("declares the tagger it borrows", () => {
  expect(draft.borrows?.({ tagger: "encoder" })).toMatchObject([{ port: { name: "tagger@1" }, name: "encoder" }]);
});
