import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ask, Bank, Demonstration, Host, Knowledge, View } from "starling-ner";
import { testStage } from "starling-ner/testing";
import { describe, expect, test } from "vitest";
import stage from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "gazetteer-"));
const file = (text: string) => {
  const path = join(folder, `${Math.random()}.tsv`);
  writeFileSync(path, text);
  return path;
};
const demonstration = (id: string, answer: string): Demonstration => ({
  id,
  text: id,
  answer,
  entities: [{ text: "Sligo", type: "LOC" }],
});
const all = [
  demonstration("d1", "Named entities:1. Nora Winter (person/singer)2. Cork (city)Reasoning:x"),
  demonstration("d2", "Named entities:1. Cork (stopper)2. Galway Arts Festival (event)Reasoning:x"),
  demonstration("d3", "free words"),
];
const bank: Bank = { demonstrations: all, get: (id) => all.find((one) => one.id === id), fingerprint: "f", file: "b" };
const view = (text: string, ask?: Ask): View<"neighbours", "ask"> => ({
  post: { id: text, text },
  facts: { neighbours: ["d1", "d2", "gone", "d3"].map((id) => ({ id, similarity: 0.5 })), ...(ask && { ask }) },
});

testStage({
  test,
  plugin: stage,
  options: {},
  batch: [view("Nora Winter sings"), view("to Cork")],
  bad: view("no name at all"),
  lend: { bank },
});

const answer = async (text: string, options: object = {}, ask?: Ask) => {
  const host = { borrow: () => bank, resolve: (path: string) => path } as unknown as Host;
  const outcome = (await stage.open(stage.options.parse(options), host)).quick!(view(text, ask))!;
  return outcome.kind === "ok" ? (outcome.value.knowledge as Knowledge) : outcome;
};
const names = async (text: string, options?: object) =>
  ((await answer(text, options)) as Knowledge).names?.map((one) => `${one.text}|${one.type}`);

describe("names that stand in the post", () => {
  test("are told in the layout that models are trained on, as the post has them", async () => {
    expect(await answer("RT nora winter sings in Cork")).toEqual({
      text: "Named entities:1. nora winter (person/singer)2. Cork (city)Reasoning:The sentence mentions nora winter, known as person/singer. The sentence mentions Cork, known as city.",
      names: [
        { text: "nora winter", type: "person/singer", inPost: true },
        { text: "Cork", type: "city", inPost: true },
      ],
      source: "knowledge-neighbours",
      usd: 0,
    });
  });
  test.each([
    [
      "inside tags and handles",
      "at #GalwayArtsFestival2026 with @NoraWinter",
      ["GalwayArtsFestival|event", "NoraWinter|person/singer"],
    ],
    ["once", "Cork, Cork and Cork", ["Cork|city"]],
    ["of answers that cannot be read too, by the marked entities", "off to Sligo", ["Sligo|LOC"]],
  ])("%s", async (_, text, expected) => expect(await names(text)).toEqual(expected));
  test.each(["a cork in a bottle", "Corkscrew", "nothing at all"])("none in %j", async (text) => {
    expect(await answer(text)).toEqual({ kind: "pass", reason: "nothing_known", degraded: false });
  });
  test("only of as many neighbours as wanted", async () => {
    expect(await names("Cork and Sligo", { neighbours: 1 })).toEqual(["Cork|city"]);
  });
});

describe("a gazetteer", () => {
  const gazetteer = file("# ours\n\nKerry\tcounty\r\nCork City\tclub\nCork\tother\n");
  test("adds names; the longest wins, neighbours before it", async () => {
    expect(await names("Kerry beat Cork City in Cork", { gazetteer })).toEqual([
      "Kerry|county",
      "Cork City|club",
      "Cork|city",
    ]);
  });
  test.each([
    ["Kerry county", ":1: no name and type"],
    ["Kerry\tcounty\tx", ":1: no name and type"],
    ["# nothing", "holds no name<TAB>type lines"],
  ])("that is broken is told: %j", async (text, message) => {
    const broken = file(text);
    await expect(answer("x", { gazetteer: broken })).rejects.toThrow(message);
    const host = {
      resolve: (path: string) => path,
      reads() {},
      foretold: async () => undefined,
      writes() {},
      purpose: "serve" as const,
    };
    expect(await stage.check!(stage.options.parse({ gazetteer: broken }), host)).toMatchObject([
      { option: ["gazetteer"] },
    ]);
  });
  test("that is missing is told", async () => {
    await expect(answer("x", { gazetteer: join(folder, "none") })).rejects.toThrow("cannot read");
  });
});

test("a post that is not asked passes for the gate's reason", async () => {
  expect(await answer("Cork", {}, { yes: false, gain: 0, reason: "confident" })).toMatchObject({ reason: "confident" });
});
