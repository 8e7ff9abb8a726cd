import { expect, test } from "vitest";
import { identityOf, judge, placeOf, type Seen } from "./verdict.ts";

const seen = (offset: number, more: Partial<Seen & { revision: number; version: string }> = {}): Seen => {
  const key = `posts/0:${offset}:${more.version ?? "v1"}`;
  const identity = identityOf(key, more.revision ?? 0);
  return { place: placeOf(key), identity, final: true, content: "[]", atMs: 0, ...more };
};
const inputs = new Map([
  ["posts/0:0", false],
  ["posts/0:1", false],
  ["posts/0:2", true],
]);
const fine = { inputs, events: [seen(0), seen(1)], letters: [seen(2)], crashes: [] };
const clean = {
  events: 3,
  lost: 0,
  duplicates: 0,
  duplicatesPerCrash: [],
  duplicatesWithoutCrash: 0,
  duplicatesAfterKey: 0,
  unequal: 0,
  poison: 1,
  deadLettered: 1,
  wronglyDead: 0,
  inBoth: 0,
  strangers: 0,
};

test("every post once, and the poison in the dead letters", () => {
  expect(judge(fine)).toEqual(clean);
});

test("a post without a final event is lost, also where a draft of it came", () => {
  expect(judge({ ...fine, events: [seen(0), seen(1, { final: false })] })).toEqual({ ...clean, lost: 1 });
});

test("a draft and its correction are no duplicates; two of one revision are", () => {
  const events = [seen(0, { final: false }), seen(0, { revision: 1 }), seen(1), seen(1)];
  expect(judge({ ...fine, events })).toEqual({ ...clean, duplicates: 1, duplicatesWithoutCrash: 1 });
});

test("a duplicate belongs to the first crash between its copies, also where it came after the next", () => {
  const events = [seen(0, { atMs: 5 }), seen(1, { atMs: 6 }), seen(0, { atMs: 15 }), seen(1, { atMs: 25 })];
  const letters = [seen(2, { atMs: 16 }), seen(2, { atMs: 26 })];
  const verdict = judge({ inputs, events, letters, crashes: [10, 20] });
  expect(verdict).toEqual({ ...clean, duplicates: 3, duplicatesPerCrash: [2, 1] });
});

test("without a crash between its copies it belongs to the one before; to none where there was none", () => {
  const events = [seen(0, { atMs: 5 }), seen(0, { atMs: 6 }), seen(1, { atMs: 12 }), seen(1, { atMs: 13 })];
  const verdict = judge({ ...fine, events, crashes: [10, 20] });
  expect(verdict).toEqual({ ...clean, duplicates: 2, duplicatesPerCrash: [1, 0], duplicatesWithoutCrash: 1 });
});

test("a copy under another key is a duplicate that no consumer can tell", () => {
  const events = [seen(0), seen(0, { version: "v2" }), seen(1)];
  expect(judge({ ...fine, events })).toEqual({ ...clean, duplicatesAfterKey: 1 });
});

test("copies that differ, good posts among the dead letters, posts in both, and strangers are told", () => {
  const events = [seen(0), seen(0, { content: "[1]" }), seen(1), seen(9)];
  const letters = [seen(1), seen(2)];
  expect(judge({ ...fine, events, letters })).toMatchObject({ unequal: 1, wronglyDead: 1, inBoth: 1, strangers: 1 });
});
