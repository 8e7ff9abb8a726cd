import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mayFollow, mentionsOf, strayCount, tagsFor, tagsOf, typeOf } from "./index.ts";

const types = ["LOC", "ORG", "PER"];
const names = tagsOf(types);
const read = (text: string): number[] => text.split(" ").map((tag) => names.indexOf(tag));
const m = (start: number, end: number, type: string) => ({ start, end, type });

test("tags are O, then B and I of each type", () => {
  expect(names).toEqual(["O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER"]);
  expect(names.map((_, tag) => typeOf(tag))).toEqual([-1, 0, 0, 1, 1, 2, 2]);
});

describe("mentions of tags", () => {
  test("keeps a mention that ends at the last word, and parts two that touch", () => {
    expect(mentionsOf(read("B-LOC I-LOC B-LOC I-LOC"), types)).toEqual([m(0, 2, "LOC"), m(2, 4, "LOC")]);
  });
  test("strict ignores a stray I- and what follows it", () => {
    expect(mentionsOf(read("O I-PER I-PER O B-ORG I-LOC I-ORG"), types, "strict")).toEqual([m(4, 5, "ORG")]);
  });
  test("lenient opens a mention at a stray I-", () => {
    expect(mentionsOf(read("O I-PER I-PER O B-ORG I-LOC I-ORG"), types, "lenient")).toEqual([
      m(1, 3, "PER"),
      m(4, 5, "ORG"),
      m(5, 6, "LOC"),
      m(6, 7, "ORG"),
    ]);
  });
  test("counts a run of stray tags once", () => {
    expect(strayCount(read("I-PER I-PER O B-ORG I-LOC I-ORG"))).toBe(3);
    expect(strayCount(read("B-PER I-PER O"))).toBe(0);
  });
});

describe("tags of mentions", () => {
  test.each([
    [[m(0, 1, "FOOD")], /"FOOD" is not one of/],
    [[m(1, 4, "PER")], /1\.\.4 of 3 words/],
    [[m(1, 1, "PER")], /1\.\.1 of 3 words/],
    [[m(0, 2, "PER"), m(1, 3, "LOC")], /share word 1/],
  ])("refuses %j", (mentions, message) => {
    expect(() => tagsFor(mentions, 3, types)).toThrow(message);
  });

  test("mentions survive the way to tags and back", () => {
    const gaps = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 3 }), fc.constantFrom(...types)), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(gaps, (parts) => {
        let at = 0;
        const mentions = parts.map(([gap, length, type]) => {
          const start = at + gap;
          at = start + length;
          return m(start, at, type);
        });
        const tags = tagsFor(mentions, at + 1, types);
        expect(mentionsOf(tags, types)).toEqual(mentions);
        expect(tags.every((tag, word) => mayFollow(word > 0 ? tags[word - 1]! : 0, tag))).toBe(true);
      }),
    );
  });
});
