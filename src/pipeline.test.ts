import { describe, expect, test } from "vitest";
import { checkBorrows, checkNames, checkOrder, checkUnused, openingOrder, type StageDeclaration } from "./pipeline.ts";

const stage = (name: string, facts: Partial<StageDeclaration> = {}): StageDeclaration => ({
  name,
  needs: [],
  uses: [],
  gives: [],
  onFail: "divert",
  ...facts,
});
const captioner = stage("captioner", { gives: ["captions"] });
const draft = stage("draft", { uses: ["captions"], gives: ["draft", "feature"] });
const gate = stage("gate", { needs: ["draft"], gives: ["ask"] });

describe("checkOrder", () => {
  test("accepts stages whose needs are given before them", () => {
    expect(checkOrder([captioner, draft, gate], new Map())).toEqual([]);
  });

  test("names the missing fact, the stage, and the built-in that gives it", () => {
    expect(checkOrder([gate], new Map([["draft", ["draft"]]]))).toEqual([
      { at: 0, code: "FACT_MISSING", details: { stage: "gate", fact: "draft", giver: "draft" } },
    ]);
  });

  test("says so when the giver stands behind the stage that needs it", () => {
    expect(checkOrder([gate, draft], new Map())).toMatchObject([
      { at: 0, code: "FACT_MISSING", details: { giver: "draft (now behind it)" } },
    ]);
  });

  test("does not ask for facts that are merely used", () => {
    expect(checkOrder([draft], new Map())).toEqual([]);
  });

  test("refuses skip at the only giver of a fact that a later stage needs", () => {
    expect(checkOrder([{ ...draft, onFail: "skip" }, gate], new Map())).toEqual([
      { at: 0, code: "FACT_SKIPPED", details: { stage: "draft", fact: "draft", needer: "gate" } },
    ]);
  });

  test("lets a stage skip whose fact is merely used later", () => {
    expect(checkOrder([{ ...captioner, onFail: "skip" }, draft], new Map())).toEqual([]);
  });

  test("refuses a fact that is given twice", () => {
    expect(checkOrder([captioner, stage("other", { gives: ["captions"] })], new Map())).toEqual([
      { at: 1, code: "FACT_TWICE", details: { stage: "other", fact: "captions", first: "captioner" } },
    ]);
  });

  test("does not miss what a stage that could not be loaded may give, and still sees what is given twice", () => {
    const lost = stage("lost", { unknown: true });
    expect(checkOrder([lost, gate], new Map())).toEqual([]);
    expect(checkOrder([{ ...draft, onFail: "skip" }, lost, gate], new Map())).toEqual([]);
    expect(checkOrder([gate, lost], new Map())).toMatchObject([{ at: 0, code: "FACT_MISSING" }]);
    expect(checkOrder([captioner, lost, captioner], new Map())).toMatchObject([{ at: 2, code: "FACT_TWICE" }]);
  });

  test("lets a stage refine a fact that it reads", () => {
    expect(checkOrder([captioner, stage("other", { uses: ["captions"], gives: ["captions"] })], new Map())).toEqual([]);
  });
});

test("checkNames finds the second of two equal names", () => {
  expect(checkNames([captioner, draft, captioner])).toEqual([
    { at: 2, code: "STAGE_NAME_TWICE", details: { name: "captioner" } },
  ]);
});

describe("checkBorrows", () => {
  const ports = new Map([["tagger", "tagger@1"]]);
  const borrow = (name: string, port: string) =>
    checkBorrows({ at: 3, name: "draft", borrows: [{ port: { name: port }, name }] }, ports);

  test("accepts a resource that fills the port", () => {
    expect(borrow("tagger", "tagger@1")).toEqual([]);
  });

  test("proposes the nearest name for an unknown resource", () => {
    expect(borrow("taggr", "tagger@1")).toMatchObject([
      { at: 3, code: "RESOURCE_UNKNOWN", details: { name: "taggr", help: 'did you mean "tagger"?' } },
    ]);
  });

  test("leaves alone what is borrowed of a plugin that could not be loaded", () => {
    const borrows = [
      { port: { name: "tagger@1" }, name: "lost" },
      { port: { name: "tagger@1" }, name: "nobody" },
    ];
    const found = checkBorrows({ at: 3, name: "draft", borrows }, new Map([["lost", undefined]]));
    expect(found).toMatchObject([{ code: "RESOURCE_UNKNOWN", details: { name: "nobody" } }]);
  });

  test("refuses a resource that fills another port", () => {
    expect(borrow("tagger", "chat@1")).toMatchObject([
      { code: "RESOURCE_PORT", details: { wanted: "chat@1", found: "tagger@1" } },
    ]);
  });
});

describe("openingOrder", () => {
  test("opens what is borrowed before the borrower, and keeps the order otherwise", () => {
    const borrows = new Map([
      ["cached", ["limited"]],
      ["limited", ["gpt"]],
      ["other", []],
      ["gpt", []],
    ]);
    expect(openingOrder(borrows)).toEqual({ order: ["other", "gpt", "limited", "cached"] });
  });

  test("names a circle", () => {
    expect(
      openingOrder(
        new Map([
          ["a", ["b"]],
          ["b", ["a"]],
          ["c", []],
        ]),
      ).cycle,
    ).toEqual(["a", "b"]);
  });

  test("leaves unknown names to checkBorrows", () => {
    expect(openingOrder(new Map([["a", ["nobody"]]]))).toEqual({ order: ["a"] });
  });
});

test("tells of knowledge that no later stage reads", () => {
  const [draft, asker] = [stage("draft", { gives: ["draft"] }), stage("asker", { gives: ["knowledge"] })];
  expect(checkUnused([draft, asker])).toMatchObject([{ at: 1, code: "FACT_UNUSED" }]);
  expect(checkUnused([asker, stage("final", { gives: ["tagging"], uses: ["knowledge"] })])).toEqual([]);
  expect(checkUnused([asker, stage("mine", { unknown: true })])).toEqual([]);
  expect(checkUnused([draft])).toEqual([]);
});
