import { expect, test } from "vitest";
import { SHAPES, shapeOf } from "./shape.ts";

test.each([
  ["house", "lower"],
  ["don't", "lower"],
  ["Paris", "capitalised"],
  ["O'", "capitalised"],
  ["A", "capitalised"],
  ["NBA", "upper"],
  ["U.S.", "upper"],
  ["iPhone", "mixed"],
  ["McDonald", "mixed"],
  ["Élan", "capitalised"],
  ["2pac", "with-digit"],
  ["1,000", "digits"],
  ["#NBA", "hashtag"],
  ["#", "punctuation"],
  ["@nasa", "mention"],
  ["http://t.co/x", "url"],
  ["HTTPS://T.CO", "url"],
  ["!!", "punctuation"],
  ["🎉", "punctuation"],
  ["東京", "caseless"],
  ["القاهرة", "caseless"],
])("%s is written %s", (word, shape) => {
  expect(SHAPES[shapeOf(word)]).toBe(shape);
});

test("every class fits an embedding of twelve rows", () => {
  expect(SHAPES.length).toBe(12);
});
