import type { Word } from "../facts.ts";
import { classOf, EXTEND, isDigit, PICTOGRAPH, REGIONAL, SPACE, UNSPACED, WORD, widthOf } from "./classes.ts";
import { emoticonLength, entityLength, linkLength } from "./patterns.ts";

const ZWJ = 0x200d;
const KEYCAP = 0x20e3;
const segmenter = new Intl.Segmenter("und", { granularity: "word" });

/**
 * Words of a text that nobody tokenised, with exact UTF-16 offsets; nothing but white space lies between them.
 * It follows the tokenisation of the tweets that models are trained on: punctuation, `#`, `@` and apostrophes stand
 * alone (`#NBA` is two words, `don't` three), hyphenated words and numbers stay whole. docs/words.md lists the rules.
 */
export function splitWords(text: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < text.length) {
    const codePoint = text.codePointAt(at)!;
    const kind = classOf(codePoint);
    if (kind === SPACE) at++;
    else if (kind === UNSPACED) at = pushSegments(words, text, at);
    else {
      const end = endOfWord(text, at, codePoint, kind);
      words.push({ text: text.slice(at, end), start: at, end });
      at = end;
    }
  }
  return words;
}

function endOfWord(text: string, at: number, codePoint: number, kind: number): number {
  if (kind !== WORD) return endOfSymbol(text, at, codePoint, kind);
  const link = mayStartLink(text, at) ? linkLength(text, at) : 0;
  return link > 0 ? endOfExtends(text, at + link) : endOfLetters(text, at);
}

/** Looks no further than a link's first punctuation can lie; most words end before it, at a space. */
function mayStartLink(text: string, at: number): boolean {
  for (let i = at + 1; i < text.length && i < at + 64; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 32 || unit > 127) return unit === 0x2026; // "…" ends a link that was cut
    if (unit === 46 || unit === 58 || unit === 64 || unit === 43) return true; // . : @ +
  }
  return false;
}

/** End of a run of letters and digits; `-` joins letters, and `.` `,` `/` join digits. */
function endOfLetters(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const unit = text.codePointAt(at)!;
    const kind = classOf(unit);
    if (kind === WORD) {
      if (isKeycap(text, at, unit)) return at > start ? at : endOfExtends(text, at + 1);
    } else if (kind !== EXTEND && !(at > start && joins(text, at, unit))) return at;
    at += widthOf(unit);
  }
  return at;
}

/** A digit that a keycap mark follows is a word of its own: `1️⃣`. */
function isKeycap(text: string, at: number, unit: number): boolean {
  if (!isDigit(unit)) return false;
  const next = text.charCodeAt(at + 1);
  return next === KEYCAP || (next === 0xfe0f && text.charCodeAt(at + 2) === KEYCAP);
}

function joins(text: string, at: number, unit: number): boolean {
  const next = text.codePointAt(at + 1) ?? 32;
  if (unit === 45) return classOf(next) === WORD && classOf(before(text, at)) === WORD; // -
  return (unit === 46 || unit === 44 || unit === 47) && isDigit(next) && isDigit(before(text, at)); // . , /
}

function endOfSymbol(text: string, at: number, codePoint: number, kind: number): number {
  if (codePoint < 128) {
    const length =
      codePoint === 38 ? entityLength(text, at) : mayStartEmoticon(text, at) ? emoticonLength(text, at) : 0;
    return endOfExtends(text, at + Math.max(1, length));
  }
  if (kind === REGIONAL && classOf(text.codePointAt(at + 2) ?? 32) === REGIONAL) return endOfExtends(text, at + 4);
  return endOfExtends(text, at + widthOf(codePoint), kind === PICTOGRAPH);
}

function mayStartEmoticon(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return (
    (unit === 58 || unit === 59 || unit === 61 || unit === 60 || unit === 94) && classOf(before(text, at)) !== WORD
  );
}

/** Passes over marks and joiners; after a pictograph a joiner also takes the next pictograph, as in 👩‍🚀. */
function endOfExtends(text: string, start: number, pictograph = false): number {
  let at = start;
  let previous = 0;
  while (at < text.length) {
    const unit = text.codePointAt(at)!;
    const kind = classOf(unit);
    if (kind !== EXTEND && !(pictograph && previous === ZWJ && kind === PICTOGRAPH)) return at;
    previous = unit;
    at += widthOf(unit);
  }
  return at;
}

const before = (text: string, at: number): number => (at > 0 ? text.charCodeAt(at - 1) : 32);

/** Words of a run without spaces, by the dictionary of the runtime. */
function pushSegments(words: Word[], text: string, start: number): number {
  let end = start;
  while (end < text.length) {
    const unit = text.codePointAt(end)!;
    const kind = classOf(unit);
    if (kind !== UNSPACED && kind !== EXTEND) break;
    end += widthOf(unit);
  }
  for (const { segment, index } of segmenter.segment(text.slice(start, end)))
    words.push({ text: segment, start: start + index, end: start + index + segment.length });
  return end;
}
