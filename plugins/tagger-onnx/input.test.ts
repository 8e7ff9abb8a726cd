import fc from "fast-check";
import { expect, test } from "vitest";
import { MASKED, toBatch } from "./batch.ts";
import { idOf, tinyWordPiece } from "./fixture.ts";
import { type InputOptions, MAX_WORD_PIECES, packInput } from "./input.ts";
import { SHAPES } from "./shape.ts";

const tokenizer = tinyWordPiece();
const options: InputOptions = {
  maxSubwords: 32,
  maxPositions: 64,
  normaliseUrls: true,
  wordShape: true,
  separators: 1,
  addedSegment: 1,
};
const input = (words: string[], captions: string[] = [], knowledge = "") => ({ words, captions, knowledge });
const { cls, sep, pad } = tokenizer.special;

test("lays out text, captions and knowledge, and knows each word's first sub-word", () => {
  const packed = packInput(input(["New", "York", "abc"], ["new"], "york"), tokenizer, options);
  const row = packed.rows[0]!;
  const [a, b, c] = ["a", "##b", "##c"].map(idOf);
  expect([...row.ids]).toEqual([cls, idOf("new"), idOf("york"), a, b, c, sep, idOf("new"), idOf("york"), sep]);
  expect([...row.segments]).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
  expect([...row.first]).toEqual([1, 2, 3]);
  expect(row.textLength).toBe(5);
  expect([...row.shapes].map((shape) => SHAPES[shape])).toEqual([
    "none",
    "capitalised",
    "capitalised",
    "lower",
    "lower",
    "lower",
    "none",
    "lower",
    "lower",
    "none",
  ]);
  expect(packed.context).toBe("text+captions+knowledge");
});

test("puts two separators in one segment where the encoder was trained so", () => {
  const row = packInput(input(["new"], [], "york"), tokenizer, { ...options, separators: 2, addedSegment: 0 }).rows[0]!;
  expect([...row.ids]).toEqual([cls, idOf("new"), sep, sep, idOf("york"), sep]);
  expect([...row.segments]).toEqual([0, 0, 0, 0, 0, 0]);
});

test("reads every URL as one piece, unless told not to", () => {
  const url = input(["https://t.co/abcdef"]);
  expect([...packInput(url, tokenizer, options).rows[0]!.ids]).toEqual([cls, idOf("http"), sep]);
  expect(packInput(url, tokenizer, { ...options, normaliseUrls: false }).rows[0]!.textLength).toBe(MAX_WORD_PIECES);
});

test("cuts captions and knowledge from their ends and counts what is lost, never the text", () => {
  const words = new Array(20).fill("new");
  const packed = packInput(input(words, ["york ".repeat(30)], "new ".repeat(30)), tokenizer, options);
  expect(packed.rows[0]!.ids.length).toBe(32);
  expect(packed.rows[0]!.textLength).toBe(20);
  expect(packed.cut.captions + packed.cut.knowledge).toBe(60 - (32 - 3 - 20));
  expect(packed.cut.captions).toBe(26);
});

test("long captions leave half of the room to the knowledge, short ones leave all of it", () => {
  const both = packInput(input(["new"], ["york ".repeat(50)], "new ".repeat(5)), tokenizer, options);
  expect(both.cut).toEqual({ captions: 50 - 23, knowledge: 0, words: 0 });
  const long = packInput(input(["new"], ["york"], "new ".repeat(50)), tokenizer, options);
  expect(long.cut).toEqual({ captions: 0, knowledge: 50 - 27, words: 0 });
});

test("a text that fills the input leaves captions out, and says so", () => {
  const packed = packInput(input(new Array(40).fill("new"), ["york"], "york"), tokenizer, options);
  expect(packed.rows[0]!.textLength).toBe(40);
  expect(packed.context).toBe("text");
  expect(packed.cut).toEqual({ captions: 1, knowledge: 1, words: 0 });
});

test("a word of many pieces keeps its first twelve", () => {
  const packed = packInput(input(["abcdefghijklmnopqrst", "new"]), tokenizer, options);
  expect(packed.rows[0]!.first[1]).toBe(1 + MAX_WORD_PIECES);
  expect(packed.cut.words).toBe(20 - MAX_WORD_PIECES);
});

test("a post without words is [CLS] [SEP]", () => {
  expect([...packInput(input([]), tokenizer, options).rows[0]!.ids]).toEqual([cls, sep]);
});

test("windows cover any text: each word is kept once, whole, and no row is too long", () => {
  const words = fc.array(fc.string({ unit: fc.constantFrom(..."abc"), minLength: 1, maxLength: 15 }), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(words, (list) => {
      const { rows } = packInput(input(list), tokenizer, options);
      let next = 0;
      for (const row of rows) {
        expect(row.ids.length).toBeLessThanOrEqual(options.maxPositions);
        expect(row.keep.start).toBe(next);
        expect(row.keep.start).toBeGreaterThanOrEqual(row.words.start);
        expect(row.keep.end).toBeLessThanOrEqual(row.words.end);
        expect(row.first.length).toBe(row.words.end - row.words.start);
        for (let word = row.words.start; word < row.words.end; word++) {
          const position = row.first[word - row.words.start]!;
          expect(row.ids[position]).toBe(tokenizer.encodeWord(list[word]!).ids[0]);
        }
        next = row.keep.end;
      }
      expect(next).toBe(list.length);
    }),
    { numRuns: 200 },
  );
});

test("a word between two windows is taken from the one with more context", () => {
  const { rows } = packInput(input(new Array(100).fill("new")), tokenizer, options);
  expect(rows.length).toBe(2);
  const [a, b] = rows as [(typeof rows)[0], (typeof rows)[0]];
  expect(b.words.start).toBeLessThan(a.words.end);
  expect(Math.abs(a.words.end - a.keep.end - (b.keep.start - b.words.start))).toBeLessThanOrEqual(1);
});

test("100,000 characters are packed in bounded time", () => {
  const begin = performance.now();
  const packed = packInput(input(new Array(50_000).fill("a"), ["b ".repeat(50_000)], ""), tokenizer, options);
  expect(packed.rows.at(-1)!.keep.end).toBe(50_000);
  expect(packed.cut.captions).toBe(50_000);
  expect(performance.now() - begin).toBeLessThan(2_000);
});

test("a batch is padded, masked and pooled over the text alone", () => {
  const rows = [input(["new"], [], "york"), input([])].map((post) => packInput(post, tokenizer, options).rows[0]!);
  const batch = toBatch(rows, { pad, firstPosition: 2, pooling: "mean" });
  expect([batch.rows, batch.length]).toEqual([2, 5]);
  expect([...batch.ids.slice(5)]).toEqual([cls, sep, pad, pad, pad]);
  expect([...batch.positions.slice(5)]).toEqual([2, 3, 4, 5, 6]);
  expect([...batch.mask.slice(5)]).toEqual([0, 0, MASKED, MASKED, MASKED]);
  const third = Math.fround(1 / 3);
  expect([...batch.pool]).toEqual([third, third, third, 0, 0, 0.5, 0.5, 0, 0, 0]);
});
