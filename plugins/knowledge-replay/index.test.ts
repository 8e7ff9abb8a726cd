import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ask, Facts, Host, Outcome, View } from "starling-ner";
import { testStage } from "starling-ner/testing";
import { describe, expect, test } from "vitest";
import replay from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "replay-"));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const view = (id: string, text: string, ask?: Ask): View<never, "ask"> => ({
  post: { id, text },
  facts: ask ? { ask } : {},
});

const recorded = file(
  "knowledge.ndjson",
  [
    { id: "1", text: "Nora sings in Cork", knowledge: "Named entities:1. Nora (person)2. Dublin (city)", source: "m" },
    { text: "hi there", knowledge: "first" },
    { text: "hi there", knowledge: "second" },
    { id: "9", knowledge: "by\u0000 id" },
    { id: "7", text: "same", knowledge: "of 7", names: [{ text: "same", type: "thing" }] },
    { id: "8", text: "same", knowledge: "of 8" },
  ]
    .map((record) => JSON.stringify(record))
    .join("\n"),
);
const pgim = file(
  "pgim.txt",
  "Nora\tB-PER\r\ncan\tO\r\n'\tO\r\nt\tO\r\n<EOS>\tX\r\nNamed\tX\r\nentities:1.\tX\r\nNora\tX\r\n(person)\tX\r\n",
);

testStage({
  test,
  plugin: replay,
  options: { files: recorded },
  batch: [view("1", "Nora sings in Cork"), view("9", "anything")],
  bad: view("2", "never recorded"),
});

const host = { resolve: (path: string) => path } as Host;
const open = (files: string | string[], maxLength?: number) =>
  replay.open(replay.options.parse({ files, ...(maxLength && { maxLength }) }), host);
const ask = async (files: string | string[], ...views: View<never, "ask">[]) => {
  const stage = await open(files);
  return views.map((one) => stage.quick!(one)!);
};
const texts = (outcomes: readonly Outcome<Pick<Facts, "knowledge">>[]) =>
  outcomes.map((one) => (one.kind === "ok" ? one.value.knowledge.text : one.kind === "pass" ? one.reason : one.error));

describe("a recorded answer", () => {
  test("is found by text, and marks what stands in the post", async () => {
    const [outcome] = await ask(recorded, view("other", "Nora  sings in\nCork"));
    expect(outcome).toEqual({
      kind: "ok",
      value: {
        knowledge: {
          text: "Named entities:1. Nora (person)2. Dublin (city)",
          names: [
            { text: "Nora", type: "person", inPost: true },
            { text: "Dublin", type: "city", inPost: false },
          ],
          source: "recorded:m",
          usd: 0,
        },
      },
    });
  });
  test("is found by id among equal texts, by id alone without a text, and in turn where nothing parts equal texts", async () => {
    expect(
      texts(
        await ask(
          recorded,
          view("8", "same"),
          view("7", "same"),
          view("9", "else"),
          view("a", "hi there"),
          view("b", "hi there"),
          view("a", "hi there"),
          view("c", "hi there"),
          view("b", "hi there"),
        ),
      ),
    ).toEqual(["of 8", "of 7", "by id", "first", "second", "first", "second", "second"]);
  });
  test("may come from PGIM's files, where tokenised text finds its original", async () => {
    const [outcome] = await ask(pgim, view("x", "Nora can't"));
    expect(outcome).toMatchObject({
      value: {
        knowledge: { text: "Named entities:1. Nora (person)", source: "recorded:pgim", names: [{ inPost: true }] },
      },
    });
  });
  test("comes from the first file that has one", async () => {
    const other = file("other.ndjson", '{"text":"Nora can\'t","knowledge":"mine"}');
    expect(texts(await ask([other, pgim], view("x", "Nora can't")))).toEqual(["mine"]);
    expect(texts(await ask([pgim, other], view("x", "Nora can't")))).toEqual(["Named entities:1. Nora (person)"]);
  });
  test("is cut at maxLength", async () => {
    const stage = await open(recorded, 5);
    expect(texts([stage.quick!(view("1", "Nora sings in Cork"))!])).toEqual(["Named"]);
  });
});

test("a post that is not asked passes for the gate's reason, though its answer is there", async () => {
  const no = { yes: false, gain: 0.1, reason: "confident" };
  expect(await ask(recorded, view("1", "Nora sings in Cork", no), view("0", "new"))).toEqual([
    { kind: "pass", reason: "confident", degraded: false },
    { kind: "pass", reason: "not_recorded", degraded: false },
  ]);
});

test("a file that is missing or broken is told before anything runs", async () => {
  const looked: string[] = [];
  const check = {
    resolve: (path: string) => join(folder, path),
    purpose: "serve" as const,
    reads: (path: string) => looked.push(path),
    foretold: async () => undefined,
    writes() {},
  };
  const refusals = await replay.check!({ files: ["knowledge.ndjson", "none.ndjson"], maxLength: 10 }, check as never);
  expect(refusals).toMatchObject([{ option: ["files", 1], error: { code: "DATA_UNREADABLE" } }]);
  expect(looked.length).toBe(2);
  file("broken.ndjson", '{"id":"1"}');
  file("notes.ndjson", "my notes\n");
  file("empty.ndjson", "\n");
  const files = ["broken.ndjson", "notes.ndjson", "empty.ndjson"];
  expect(await replay.check!({ files, maxLength: 10 }, check as never)).toMatchObject([
    { option: ["files", 0], error: { code: "DATA_MALFORMED" } },
    { option: ["files", 1], error: { code: "DATA_MALFORMED" } },
    { option: ["files", 2], error: { message: expect.stringContaining("empty.ndjson holds no recorded answer") } },
  ]);
  await expect(open(file("broken.ndjson", '{"id":"1"}'))).rejects.toThrow("broken.ndjson:1: ");
  await expect(open(join(folder, "none.ndjson"))).rejects.toThrow("cannot read");
});
