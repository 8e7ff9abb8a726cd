import { expect, test } from "vitest";
import { tagInput } from "../input.ts";
import { ok } from "../outcome.ts";
import type { Tagged, Tagger, TagInput } from "../tagger.ts";
import { joiningSigns, signsOf } from "./join-signs.ts";

/** Every word a mention; what it read is kept. */
const seen: string[][] = [];
const tag = async (inputs: readonly TagInput[]) =>
  inputs.map(({ words }) => {
    seen.push([...words]);
    const mentions = words.map((_, at) => ({ start: at, end: at + 1, type: "PER", confidence: 1 }));
    const tagging = { mentions, expected: { correct: 0, gold: 0 }, context: "text" as const, model: "m" };
    return ok<Tagged>({ tagging, feature: { vector: new Float32Array(1), of: "text", model: "m" } });
  });

const live = new AbortController().signal;

const through = async (input: TagInput) => {
  seen.length = 0;
  const [outcome] = await joiningSigns({ tag }).tag([input], live);
  const spans = outcome?.kind === "ok" ? outcome.value.tagging.mentions.map(({ start, end }) => [start, end]) : [];
  return { words: seen[0], spans };
};

test("joins a sign with the word it touches, and gives mentions in the words that were given", async () => {
  const input = tagInput({ post: { id: "1", text: "go #NBA @ home, @Kobe_24!" }, facts: {} });
  expect(input.words).toEqual(["go", "#", "NBA", "@", "home", ",", "@", "Kobe_24", "!"]);
  expect(await through(input)).toEqual({
    words: ["go", "#NBA", "@", "home", ",", "@Kobe_24", "!"],
    spans: [
      [0, 1],
      [1, 3],
      [3, 4],
      [4, 5],
      [5, 6],
      [6, 8],
      [8, 9],
    ],
  });
});

test("leaves words alone that are not known to touch, and a sign without a word", async () => {
  expect((await through({ words: ["#", "NBA"], captions: [], knowledge: "" })).words).toEqual(["#", "NBA"]);
  expect((await through(tagInput({ post: { id: "1", text: "##! #" }, facts: {} }))).words).toEqual([
    "#",
    "#",
    "!",
    "#",
  ]);
});

test("tells from data how it writes signs", () => {
  expect(signsOf([["#NBA", "#", "a"], ["@x"]])).toBe("joined");
  expect(signsOf([["#", "NBA", "@x", "@", "y"]])).toBe("apart");
  expect(signsOf([["no", "sign", "#"]])).toBe("apart");
});

test("says the same of taggings alone", async () => {
  const taggings: Tagger["taggings"] = async (inputs) =>
    (await tag(inputs)).map((one) => (one.kind === "ok" ? ok(one.value.tagging) : one));
  const input = tagInput({ post: { id: "1", text: "go #NBA" }, facts: {} });
  const [outcome] = await joiningSigns({ tag, taggings }).taggings!([input], live);
  expect(outcome).toMatchObject({ value: { mentions: [{ end: 1 }, { start: 1, end: 3 }] } });
  expect(joiningSigns({ tag }).taggings).toBeUndefined();
});
