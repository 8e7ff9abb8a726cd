import type { Knowledge } from "../facts.ts";
import type { NamedEntity } from "./answer.ts";
import { oneLine } from "./render.ts";

/** Names at most that are kept of an answer; a post has a handful. */
export const MAX_NAMES = 40;
const MAX_NAME = 200;

/** The names of an answer, each with whether it stands in the post; without control signs. */
export function markNames(entities: readonly NamedEntity[], text: string): Knowledge["names"] {
  const finder = nameFinder(text);
  return entities
    .map(({ text, type }) => ({ text: oneLine(text), type: oneLine(type.slice(0, MAX_NAME)) }))
    .filter(({ text }) => text !== "" && text.length <= MAX_NAME)
    .slice(0, MAX_NAMES)
    .map((one) => ({ ...one, inPost: finder(one.text) }));
}

/**
 * Tells whether a name stands in a text. Case, spaces, accents' encoding and punctuation do not count, so that `Eric
 * Bolling` is found in `@ericbolling` and `X-Men` in `X - Men`; but a name begins and ends where a word does, or a part of
 * a word as `#SuperBowl50` is written.
 */
export function nameFinder(text: string): (name: string) => boolean {
  const { letters, starts } = squeeze(text);
  return (name) => {
    const wanted = squeeze(name).letters;
    if (wanted === "") return false;
    for (let at = letters.indexOf(wanted); at >= 0; at = letters.indexOf(wanted, at + 1))
      if (starts[at] && starts[at + wanted.length]) return true;
    return false;
  };
}

/** A run of words, or of parts of words, of a text. */
export interface NameRun {
  /** As it stands in the text. */
  readonly text: string;
  /** What it is compared by: `nameKey(text)`. */
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/** What names are compared by: letters and digits in lower case. */
export const nameKey = (name: string): string => squeeze(name).letters;

/** All runs of up to `longest` words or parts of words of a text, the longer first where they begin at the same place. */
export function* nameRuns(text: string, longest: number): Generator<NameRun> {
  const pieces = piecesOf(text);
  for (let from = 0; from < pieces.length; from++)
    for (let to = Math.min(pieces.length, from + longest); to > from; to--) {
      const [start, end] = [pieces[from]!.start, pieces[to - 1]!.end];
      const run = text.slice(start, end);
      yield { text: run, key: nameKey(run), start, end };
    }
}

/** Words, or their parts, in UTF-16 units. */
function piecesOf(text: string): { readonly start: number; end: number }[] {
  const pieces: { start: number; end: number }[] = [];
  let [at, before] = [0, ""];
  for (const sign of text) {
    const end = at + sign.length;
    if (/[\p{L}\p{M}\p{N}]/u.test(sign)) {
      if (parts(before, sign) || pieces.length === 0) pieces.push({ start: at, end });
      else pieces.at(-1)!.end = end;
    }
    [at, before] = [end, sign];
  }
  return pieces;
}

/** Letters and digits of a text in lower case, and whether a word, or a part of one, may begin at each of them. */
function squeeze(text: string): { letters: string; starts: readonly boolean[] } {
  const starts: boolean[] = [];
  let letters = "";
  let before = "";
  for (const sign of text.normalize("NFKC")) {
    if (/[\p{L}\p{M}\p{N}]/u.test(sign)) {
      const lower = sign.toLowerCase();
      for (let i = 0; i < lower.length; i++) starts.push(i === 0 && parts(before, sign));
      letters += lower;
    }
    before = sign;
  }
  starts.push(true);
  return { letters, starts };
}

/** Whether a word, or a part of one, ends between two signs. */
function parts(before: string, sign: string): boolean {
  if (/\p{M}/u.test(sign)) return false;
  if (!/[\p{L}\p{M}\p{N}]/u.test(before)) return true;
  if (spaceless.test(sign) || spaceless.test(before)) return true;
  if (/\p{N}/u.test(before) !== /\p{N}/u.test(sign)) return true;
  return /\p{Lu}/u.test(sign) && !/\p{Lu}/u.test(before);
}

/** Scripts that write words without spaces between. */
const spaceless = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;
