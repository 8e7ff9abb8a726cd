import type { Context, TagInput } from "starling-ner";
import { startsUrl } from "./shape.ts";
import type { SubwordTokenizer } from "./tokenizer.ts";
import { joinWindows, type Span } from "./windows.ts";

/** How a model wants its input; saved with it, since it must be the same in training and in service. */
export interface InputOptions {
  /** Sub-words of `[T; captions; Z]` with the special ones; text alone may be longer, up to `maxPositions`. */
  readonly maxSubwords: number;
  /** Sub-words the encoder has positions for, with the special ones. */
  readonly maxPositions: number;
  /** Encodes every word that begins with `http` as `http`: a URL's own pieces say nothing and fill the input. */
  readonly normaliseUrls: boolean;
  /** Gives each sub-word the class of how its word is written. */
  readonly wordShape: boolean;
  /** Separators between text and what is added: BERT was trained with one, RoBERTa and XLM-RoBERTa with two. */
  readonly separators: 1 | 2;
  /** Segment of what is added: 1 where the encoder has two segments, else 0. */
  readonly addedSegment: 0 | 1;
  /** Whether the model learnt `#NBA` as one word; live posts come with `#` apart, and are joined for it. */
  readonly signs?: "joined" | "apart";
  /** Pieces a word of the post may have, 12 by default; more come from strings no vocabulary knows. */
  readonly maxWordPieces?: number;
}

/** One row of a batch: `[CLS] T [SEP] captions Z [SEP]`. */
export interface PackedInput {
  readonly ids: Int32Array;
  /** 0 for the text, `addedSegment` for what is added. */
  readonly segments: Int32Array;
  /** Index into `SHAPES` for each sub-word; all 0 without `wordShape`. */
  readonly shapes: Int32Array;
  /** Position in `ids` of the first sub-word of each word of `words`. */
  readonly first: Int32Array;
  /** Sub-words of the text; they stand at positions 1 to `textLength`. */
  readonly textLength: number;
  /** The post's words that this row reads. */
  readonly words: Span;
  /** Those of `words` whose emissions are taken from this row; the rows of a post keep each word once. */
  readonly keep: Span;
}

export interface PackedPost {
  /** One row, or several overlapping ones where the text is longer than the encoder's positions. */
  readonly rows: readonly PackedInput[];
  readonly context: Context;
  /** Words of the text whose novelty means something, and those of them that the training data lacks, where that is known. */
  readonly novelty?: { readonly words: number; readonly unknown: number };
  /** Sub-words left out: of captions, of the knowledge, and past the twelfth of a single word. */
  readonly cut: { readonly captions: number; readonly knowledge: number; readonly words: number };
}

export const MAX_WORD_PIECES = 12;
/** Captions and knowledge are read up to here, in UTF-16 units; they are far longer than any input already. */
const MAX_ADDED_LENGTH = 16_384;

/** A text of words as one run of ids and shapes. */
interface Run {
  readonly ids: number[];
  readonly shapes: number[];
  /** Index of each word's first sub-word. */
  readonly first: number[];
  cut: number;
  /** Words that the training data has, and has not. */
  known: number;
  novel: number;
}

const nothing = (): Run => ({ ids: [], shapes: [], first: [], cut: 0, known: 0, novel: 0 });

/**
 * Lays a post out as sub-words. The text is never cut: what does not fit in one row goes to several.
 * Captions and knowledge are cut from their ends, and counted; captions may take half of the room when both do not fit.
 */
export function packInput(input: TagInput, tokenizer: SubwordTokenizer, options: InputOptions): PackedPost {
  const text = encode(input.words, tokenizer, options, options.maxWordPieces ?? MAX_WORD_PIECES);
  const captions = encodeText(input.captions.join(" "), tokenizer, options);
  const knowledge = encodeText(input.knowledge, tokenizer, options);
  const specials = 2 + options.separators;
  const room = Math.max(0, Math.min(options.maxSubwords, options.maxPositions) - specials - text.ids.length);
  const forCaptions = Math.min(captions.ids.length, Math.max(room >> 1, room - knowledge.ids.length));
  const forKnowledge = Math.min(knowledge.ids.length, room - forCaptions);
  const added = joinRuns(captions, forCaptions, knowledge, forKnowledge);
  return {
    rows: toRows(text, added, tokenizer, options),
    context: contextOf(forCaptions > 0, forKnowledge > 0),
    ...(tokenizer.tellsNovelty && { novelty: { words: text.known + text.novel, unknown: text.novel } }),
    cut: {
      captions: captions.ids.length + captions.cut - forCaptions,
      knowledge: knowledge.ids.length + knowledge.cut - forKnowledge,
      words: text.cut,
    },
  };
}

function encode(words: readonly string[], tokenizer: SubwordTokenizer, options: InputOptions, maxPieces: number): Run {
  const run = nothing();
  for (const word of words) {
    // A link and `http` have one shape.
    const { ids, shape, novelty } = tokenizer.encodeWord(options.normaliseUrls && startsUrl(word) ? "http" : word);
    if (novelty === "known") run.known++;
    else if (novelty === "novel") run.novel++;
    const kept = Math.min(ids.length, maxPieces);
    run.first.push(run.ids.length);
    for (let piece = 0; piece < kept; piece++) {
      run.ids.push(ids[piece]!);
      run.shapes.push(options.wordShape ? shape : 0);
    }
    run.cut += ids.length - kept;
  }
  return run;
}

function encodeText(text: string, tokenizer: SubwordTokenizer, options: InputOptions): Run {
  if (text === "") return nothing();
  const run = encode(wordsOf(text.slice(0, MAX_ADDED_LENGTH)), tokenizer, options, Number.POSITIVE_INFINITY);
  run.cut += wordsOf(text.slice(MAX_ADDED_LENGTH)).length;
  return run;
}

const wordsOf = (text: string): string[] => text.split(/\s+/u).filter((word) => word !== "");

type Added = Pick<Run, "ids" | "shapes">;

const joinRuns = (a: Run, countA: number, b: Run, countB: number): Added => ({
  ids: [...a.ids.slice(0, countA), ...b.ids.slice(0, countB)],
  shapes: [...a.shapes.slice(0, countA), ...b.shapes.slice(0, countB)],
});

const contextOf = (captions: boolean, knowledge: boolean): Context =>
  captions ? (knowledge ? "text+captions+knowledge" : "text+captions") : knowledge ? "text+knowledge" : "text";

function toRows(text: Run, added: Added, tokenizer: SubwordTokenizer, options: InputOptions): PackedInput[] {
  const capacity = options.maxPositions - 2;
  if (text.ids.length <= capacity) {
    const all = { start: 0, end: text.first.length };
    return [toRow(text, all, all, added, tokenizer, options)];
  }
  const bounds = [...text.first, text.ids.length];
  return joinWindows(bounds, capacity).map(({ words, keep }) =>
    toRow(text, words, keep, undefined, tokenizer, options),
  );
}

function toRow(
  text: Run,
  words: Span,
  keep: Span,
  added: Added | undefined,
  { special }: SubwordTokenizer,
  { separators, addedSegment }: InputOptions,
): PackedInput {
  const from = text.first[words.start] ?? 0;
  const textLength = (text.first[words.end] ?? text.ids.length) - from;
  const addedLength = added?.ids.length ?? 0;
  const addedAt = textLength + 1 + separators;
  const length = addedLength === 0 ? textLength + 2 : addedAt + addedLength + 1;
  const count = words.end - words.start;
  // One piece of memory: each has a price of its own.
  const all = new Int32Array(3 * length + count);
  const ids = all.subarray(0, length);
  const segments = all.subarray(length, 2 * length);
  const shapes = all.subarray(2 * length, 3 * length);
  const first = all.subarray(3 * length);
  ids[0] = special.cls;
  ids[length - 1] = special.sep;
  for (let i = 0; i < textLength; i++) {
    ids[1 + i] = text.ids[from + i]!;
    shapes[1 + i] = text.shapes[from + i]!;
  }
  if (addedLength > 0) {
    ids.fill(special.sep, textLength + 1, addedAt);
    segments.fill(addedSegment, textLength + 2);
    ids.set(added!.ids, addedAt);
    shapes.set(added!.shapes, addedAt);
  }
  for (let word = 0; word < count; word++) first[word] = text.first[words.start + word]! - from + 1;
  return { ids, segments, shapes, first, textLength, words, keep };
}
