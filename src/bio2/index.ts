import type { Mention } from "../facts.ts";

/**
 * BIO2 tags as small integers: 0 is `O`; type `t` of `types` has `B` at `1 + 2t` and `I` at `2 + 2t`.
 * All functions here read tags as indices, and mentions as word indices `[start, end)`.
 */
export type Tags = Uint8Array | Int32Array | readonly number[];

/** How a stray `I-` tag (one that continues no mention of its type) is read; see `mentionsOf`. */
export type Strays = "strict" | "lenient";

export const OUTSIDE = 0;
export const beginOf = (type: number): number => 1 + 2 * type;
export const insideOf = (type: number): number => 2 + 2 * type;
/** Index of the tag's type in `types`; -1 for `O`. */
export const typeOf = (tag: number): number => ((tag + 1) >> 1) - 1;
export const isBegin = (tag: number): boolean => (tag & 1) === 1;
export const isInside = (tag: number): boolean => tag > 0 && (tag & 1) === 0;

/** May `tag` follow `previous`? At the first word `previous` is `OUTSIDE`. */
export const mayFollow = (previous: number, tag: number): boolean =>
  !isInside(tag) || (previous !== OUTSIDE && typeOf(previous) === typeOf(tag));

/** The names of the tags, in the order of their indices: `O`, `B-X`, `I-X`, `B-Y`, … */
export const tagsOf = (types: readonly string[]): string[] => [
  "O",
  ...types.flatMap((type) => [`B-${type}`, `I-${type}`]),
];

/**
 * Tags of `words` words. Mentions may come in any order.
 * Throws a RangeError where a mention leaves the words, overlaps another or has a type that is not in `types`.
 */
export function tagsFor(mentions: readonly Mention[], words: number, types: readonly string[]): Int32Array {
  const tags = new Int32Array(words);
  for (const { start, end, type } of mentions) {
    const index = types.indexOf(type);
    if (index < 0) throw new RangeError(`type "${type}" is not one of ${types.join(", ")}`);
    if (start < 0 || end > words || start >= end) throw new RangeError(`mention ${start}..${end} of ${words} words`);
    for (let word = start; word < end; word++) {
      if (tags[word] !== OUTSIDE) throw new RangeError(`two mentions share word ${word}`);
      tags[word] = word === start ? beginOf(index) : insideOf(index);
    }
  }
  return tags;
}

/**
 * Mentions of a tag sequence, in order.
 * `strict` ignores stray `I-` tags, as seqeval does with `mode="strict", scheme=IOB2`;
 * `lenient` lets a stray `I-` start a mention, as seqeval does by default.
 */
export function mentionsOf(tags: Tags, types: readonly string[], strays: Strays = "strict"): Mention[] {
  const mentions: Mention[] = [];
  let start = -1;
  let open = -1; // the type of the mention under way
  const finish = (end: number): void => {
    if (open >= 0) mentions.push({ start, end, type: types[open]! });
    open = -1;
  };
  for (let word = 0; word < tags.length; word++) {
    const tag = tags[word]!;
    if (isInside(tag) && typeOf(tag) === open) continue;
    finish(word);
    if (tag === OUTSIDE || (isInside(tag) && strays === "strict")) continue;
    start = word;
    open = typeOf(tag);
  }
  finish(tags.length);
  return mentions;
}

/** How many `I-` tags have no tag of their type before them to continue: `lenient` reading opens a mention at each. */
export function strayCount(tags: Tags): number {
  let strays = 0;
  for (let word = 0; word < tags.length; word++) {
    if (!mayFollow(word > 0 ? tags[word - 1]! : OUTSIDE, tags[word]!)) strays++;
  }
  return strays;
}
