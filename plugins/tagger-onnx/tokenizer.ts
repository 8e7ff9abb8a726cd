import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { Fault, remember, type Vocabulary } from "starling-ner";
import { z } from "zod";
import { readCharsmap } from "./charsmap.ts";
import { shapeOf } from "./shape.ts";

/** Ids of the sub-words with a meaning of their own. */
export interface SpecialIds {
  readonly cls: number;
  readonly sep: number;
  readonly pad: number;
  readonly unk: number;
}

/** What the encoder reads of one word. Shared: not to be changed. */
export interface EncodedWord {
  /** Without special ones; never empty (the unknown id where nothing is left of the word). */
  readonly ids: readonly number[];
  /** Index into `SHAPES`. */
  readonly shape: number;
  /** Whether the training data has the word; `uncounted` where that would mean nothing, or nobody knows. */
  readonly novelty: "known" | "novel" | "uncounted";
}

/** The words of the training data. */
export type TrainedWords = Pick<Vocabulary, "counts" | "has">;

/** Turns one word at a time into sub-word ids, as Python's `is_split_into_words=True` does. */
export interface SubwordTokenizer {
  readonly special: SpecialIds;
  /** One more than the highest id it can give: the rows an embedding table must have. */
  readonly size: number;
  /** Whether it knows the words of the training data. */
  readonly tellsNovelty: boolean;
  encodeWord(word: string): EncodedWord;
}

/** Longer words are read up to here: no tokenizer gives a run of 400 characters a meaning, and its cost may be quadratic. */
const MAX_WORD_LENGTH = 400;
/** About 5 MB at most. */
const REMEMBERED_WORDS = 16_384;

const tokenizerJson = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.number(), content: z.string() })).default([]),
  normalizer: z.unknown(),
  pre_tokenizer: z.unknown(),
  model: z.looseObject({ vocab: z.union([z.record(z.string(), z.number()), z.array(z.unknown())]) }),
});
type TokenizerJson = z.output<typeof tokenizerJson>;
type TokenizerConfig = Readonly<Record<string, unknown>>;

/** Reads `tokenizer.json` (and `tokenizer_config.json`, where present) of a Hugging Face folder. */
export async function readTokenizer(folder: string, trained?: TrainedWords): Promise<SubwordTokenizer> {
  const file = join(folder, "tokenizer.json");
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Fault(
      "MODEL_FILE_MISSING",
      { file, hint: "copy the model's tokenizer.json beside its config.json" },
      { cause },
    );
  });
  const config = await readFile(join(folder, "tokenizer_config.json"), "utf8").catch(() => "{}");
  return makeTokenizer(parseJson(text, file), parseJson(config, join(folder, "tokenizer_config.json")), file, trained);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault("MODEL_FILE_INVALID", { file, what: "it is not JSON", hint: "copy it again" }, { cause });
  }
}

/** `where` is named in faults. */
export function makeTokenizer(json: unknown, config: unknown, where: string, trained?: TrainedWords): SubwordTokenizer {
  const parsed = tokenizerJson.safeParse(json);
  if (!parsed.success) throw new Fault("TOKENIZER_MISMATCH", { tokenizer: where, what: z.prettifyError(parsed.error) });
  const settings = typeof config === "object" && config !== null ? (config as TokenizerConfig) : {};
  const { rest, normalise } = takeCharsmap(parsed.data, where);
  const tokenizer = openTokenizer(rest, settings, where);
  const special = findSpecialIds(tokenizer, settings, where);
  const encode = encoder(tokenizer, rest, special);
  const noveltyOf = (word: string) => (trained?.counts(word) ? (trained.has(word) ? "known" : "novel") : "uncounted");
  const read = (word: string): EncodedWord => ({
    ids: encode(normalise(clip(word))),
    shape: shapeOf(word),
    novelty: noveltyOf(word),
  });
  const encodeWord = remember(read, REMEMBERED_WORDS);
  return { special, size: highestId(rest) + 1, tellsNovelty: trained !== undefined, encodeWord };
}

/** A SentencePiece normaliser comes first of all, so it is applied to the word itself. */
function takeCharsmap(
  json: TokenizerJson,
  where: string,
): { rest: TokenizerJson; normalise: (text: string) => string } {
  const steps = (json.normalizer as { normalizers?: unknown[] } | null | undefined)?.normalizers ?? [json.normalizer];
  const first = steps[0] as { type?: string; precompiled_charsmap?: unknown } | null | undefined;
  if (first?.type !== "Precompiled" || typeof first.precompiled_charsmap !== "string")
    return { rest: json, normalise: (text) => text };
  try {
    const normalise = readCharsmap(first.precompiled_charsmap);
    return { rest: { ...json, normalizer: { type: "Sequence", normalizers: steps.slice(1) } }, normalise };
  } catch (cause) {
    throw new Fault("TOKENIZER_MISMATCH", { tokenizer: where, what: String(cause) }, { cause });
  }
}

function openTokenizer(json: TokenizerJson, config: TokenizerConfig, where: string): Tokenizer {
  const absent = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  try {
    return new Tokenizer({ ...absent, ...json }, config);
  } catch (cause) {
    throw new Fault("TOKENIZER_MISMATCH", { tokenizer: where, what: `it cannot be read: ${String(cause)}` }, { cause });
  }
}

const usual = {
  cls: ["[CLS]", "<s>"],
  sep: ["[SEP]", "</s>"],
  pad: ["[PAD]", "<pad>"],
  unk: ["[UNK]", "<unk>"],
} as const;

function findSpecialIds(tokenizer: Tokenizer, config: TokenizerConfig, where: string): SpecialIds {
  const find = (kind: keyof typeof usual): number => {
    const names = [contentOf(config[`${kind}_token`]), ...usual[kind]];
    const id = names.flatMap((name) => (name === undefined ? [] : (tokenizer.token_to_id(name) ?? []))).at(0);
    if (id === undefined)
      throw new Fault("TOKENIZER_MISMATCH", {
        tokenizer: where,
        what: `it has no ${kind} token (${usual[kind].join(" or ")})`,
      });
    return id;
  };
  return { cls: find("cls"), sep: find("sep"), pad: find("pad"), unk: find("unk") };
}

/** Special tokens are written as text, or as `{ content }`. */
function contentOf(token: unknown): string | undefined {
  if (typeof token === "string") return token;
  const content = typeof token === "object" && token !== null && "content" in token ? token.content : undefined;
  return typeof content === "string" ? content : undefined;
}

function highestId({ model, added_tokens }: TokenizerJson): number {
  const ids = Array.isArray(model.vocab) ? [model.vocab.length - 1] : Object.values(model.vocab);
  return [...ids, ...added_tokens.map(({ id }) => id)].reduce((high, id) => Math.max(high, id), 0);
}

function encoder(tokenizer: Tokenizer, json: TokenizerJson, special: SpecialIds): (word: string) => number[] {
  // Byte-level BPE writes a word's leading space into its first piece; words come without one.
  const prefix = mentions(json.pre_tokenizer, "ByteLevel") ? " " : "";
  const forbidden = new Set(json.added_tokens.filter((token) => token.special === true).map(({ id }) => id));
  return (word) => {
    const ids = tokenizer.encode(prefix + word, { add_special_tokens: false }).ids;
    // A post that writes "[SEP]" must not end its own text.
    return ids.length === 0 ? [special.unk] : ids.map((id: number) => (forbidden.has(id) ? special.unk : id));
  };
}

const mentions = (config: unknown, type: string): boolean =>
  JSON.stringify(config ?? null).includes(`"type":"${type}"`);

function clip(word: string): string {
  const clean = word.isWellFormed() ? word : word.toWellFormed();
  return clean.length > MAX_WORD_LENGTH ? clean.slice(0, MAX_WORD_LENGTH).toWellFormed() : clean;
}
