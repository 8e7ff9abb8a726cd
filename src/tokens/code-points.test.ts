import fc from "fast-check";
import { expect, test } from "vitest";
import { codePointOffsets } from "./code-points.ts";

test("counts code points before each offset", () => {
  expect(codePointOffsets("a😀b", [0, 1, 3, 4])).toEqual([0, 1, 2, 3]);
  expect(codePointOffsets("a😀b", [1, 1, 3, 3])).toEqual([1, 1, 2, 2]);
});

test("counts a lone surrogate as one", () => {
  expect(codePointOffsets("\ud83da\ude00", [1, 2, 3])).toEqual([1, 2, 3]);
});

test("refuses offsets outside the text or out of order", () => {
  expect(() => codePointOffsets("abc", [4])).toThrow(RangeError);
  expect(() => codePointOffsets("abc", [3, 1])).toThrow(RangeError);
});

test("agrees with slicing and spreading the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const starts = [...text.matchAll(/./gsu)].map((match) => match.index);
      expect(codePointOffsets(text, starts)).toEqual(starts.map((start) => [...text.slice(0, start)].length));
    }),
  );
});
