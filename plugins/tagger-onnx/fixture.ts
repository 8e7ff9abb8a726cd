import { fileURLToPath } from "node:url";
import { makeTokenizer, type SubwordTokenizer } from "./tokenizer.ts";

/** A WordPiece tokenizer over letters and a few words: small enough to know its ids by heart. */
export function tinyWordPiece(): SubwordTokenizer {
  return makeTokenizer(tinyWordPieceJson(), {}, "tiny tokenizer");
}

export const tinyPieces = [
  "[PAD]",
  "[UNK]",
  "[CLS]",
  "[SEP]",
  "[MASK]",
  "http",
  "new",
  "york",
  ..."abcdefghijklmnopqrstuvwxyz0123456789!#@./:-'[]".split(""),
  ..."abcdefghijklmnopqrstuvwxyz0123456789".split("").map((letter) => `##${letter}`),
];

export const tinyWordPieceJson = () => ({
  version: "1.0",
  added_tokens: tinyPieces.slice(0, 5).map((content, id) => ({ id, content, special: true, normalized: false })),
  normalizer: {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: null,
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(tinyPieces.map((piece, id) => [piece, id])),
  },
});

export const idOf = (piece: string): number => tinyPieces.indexOf(piece);

/** A folder of test/fixtures/encoders, made by make.py there. */
export const fixtureFolder = (name: string): string =>
  fileURLToPath(new URL(`../../test/fixtures/encoders/${name}/`, import.meta.url));
