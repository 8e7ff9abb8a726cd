import { expect, test } from "vitest";
import { idOf, tinyWordPiece, tinyWordPieceJson } from "./fixture.ts";
import { makeTokenizer } from "./tokenizer.ts";

const tokenizer = tinyWordPiece();

test("gives a word's sub-words without special ones", () => {
  expect(tokenizer.encodeWord("New").ids).toEqual([idOf("new")]);
  expect(tokenizer.encodeWord("bad").ids).toEqual([idOf("b"), idOf("##a"), idOf("##d")]);
});

test("a word of which nothing is left is unknown, not absent", () => {
  expect(tokenizer.encodeWord("\u200d").ids).toEqual([tokenizer.special.unk]);
  expect(tokenizer.encodeWord("").ids).toEqual([tokenizer.special.unk]);
  expect(tokenizer.encodeWord("\ud800").ids).toEqual([tokenizer.special.unk]);
});

test("a post cannot write a special sub-word", () => {
  const { cls, sep, pad } = tokenizer.special;
  for (const word of ["[SEP]", "[CLS]", "[PAD]", "a[SEP]b"]) {
    const ids = tokenizer.encodeWord(word).ids;
    expect(ids).not.toContain(cls);
    expect(ids).not.toContain(sep);
    expect(ids).not.toContain(pad);
  }
});

test("answers the same for a word it has seen", () => {
  const before = [...tokenizer.encodeWord("york-1").ids];
  for (let index = 0; index < 40_000; index++) tokenizer.encodeWord(`w${index}`);
  expect(tokenizer.encodeWord("york-1").ids).toEqual(before);
});

test("a word of 100,000 characters costs little", () => {
  const begin = performance.now();
  expect(tokenizer.encodeWord("!".repeat(100_000)).ids.length).toBeGreaterThan(12);
  expect(performance.now() - begin).toBeLessThan(500);
});

test("says which rows an embedding table must have", () => {
  expect(tokenizer.size).toBe(idOf("##9") + 1);
});

test("refuses a tokenizer without special tokens, naming the file and the token", () => {
  const json = tinyWordPieceJson();
  json.added_tokens = json.added_tokens.filter(({ content }) => content !== "[SEP]");
  delete json.model.vocab["[SEP]"];
  expect(() => makeTokenizer(json, {}, "model/tokenizer.json")).toThrow(/model\/tokenizer\.json.*sep token/);
});

test("refuses a file that is no tokenizer", () => {
  expect(() => makeTokenizer({ hello: 1 }, {}, "model/tokenizer.json")).toThrow(/model\/tokenizer\.json/);
  expect(() => makeTokenizer({ model: { type: "Nothing", vocab: {} } }, {}, "t.json")).toThrow(/t\.json/);
});
