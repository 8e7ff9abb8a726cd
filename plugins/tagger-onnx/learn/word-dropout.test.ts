import { expect, test } from "vitest";
import type { PackedInput } from "../input.ts";
import { dropWords } from "./word-dropout.ts";

const unknown = 100;

/** [CLS] 4 words of 1, 2, 1 and 3 sub-words [SEP] knowledge [SEP], ids counting from 1000. */
function row(): PackedInput {
  const ids = Int32Array.from({ length: 12 }, (_, i) => 1000 + i);
  const whole = { start: 0, end: 4 };
  const first = Int32Array.of(1, 2, 4, 5);
  return { ids, segments: ids.map(() => 0), shapes: ids.map(() => 0), first, textLength: 7, words: whole, keep: whole };
}
const dropped = (rate: number, seed: number, step: number, rows = [row()]) => {
  dropWords(rows, { rate, unknown, seed, step });
  return rows.map(({ ids }) => [...ids].map((id) => id === unknown));
};
const spans = [
  [1, 2],
  [2, 4],
  [4, 5],
  [5, 8],
] as const;

test("a word is dropped whole or not at all, and nothing but words of the post is", () => {
  const seen = new Set<boolean>();
  for (let step = 0; step < 200; step++) {
    const [ids] = dropped(0.5, 1, step);
    for (const [start, end] of spans) {
      const word = new Set(ids!.slice(start, end));
      expect(word.size).toBe(1);
      seen.add([...word][0]!);
    }
    expect([ids![0], ...ids!.slice(8)].some(Boolean)).toBe(false);
  }
  expect(seen).toEqual(new Set([true, false]));
});

test("words are dropped at the rate asked for, each on its own", () => {
  const rows = Array.from({ length: 5000 }, row);
  const ids = dropped(0.1, 3, 9, rows);
  for (const [start] of spans) {
    const share = ids.filter((row) => row[start]).length / ids.length;
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.12);
  }
});

test("seed and step alone decide", () => {
  expect(dropped(0.5, 1, 7)).toEqual(dropped(0.5, 1, 7));
  const others = [dropped(0.5, 2, 7), dropped(0.5, 1, 8), dropped(0.5, 1, 9)].map((ids) => JSON.stringify(ids));
  expect(new Set(others).size).toBeGreaterThan(1);
});

test("rate 0 leaves the input as it was", () => {
  expect(dropped(0, 1, 1)[0]!.some(Boolean)).toBe(false);
});
