/**
 * Classes of how a word is written. An uncased encoder no longer sees whether a word was capitalised;
 * a model with a shape embedding learns it from these, one class for each sub-word of the word.
 */
export const SHAPES = [
  "none",
  "lower",
  "capitalised",
  "upper",
  "mixed",
  "with-digit",
  "digits",
  "hashtag",
  "mention",
  "url",
  "punctuation",
  "caseless",
] as const;

export type Shape = (typeof SHAPES)[number];

/** Number of rows of a shape embedding. Row 0 stands for special sub-words and padding. */
export const SHAPE_COUNT = SHAPES.length;

const indexOf = Object.fromEntries(SHAPES.map((shape, index) => [shape, index])) as Record<Shape, number>;

/** Index into `SHAPES` of how `word` is written; 1 to 11. */
export const shapeOf = (word: string): number => indexOf[nameShape(word)];

/** The first letter is looked at before the rest: most words end here. */
export const startsUrl = (word: string): boolean => (word.charCodeAt(0) | 32) === 104 && /^https?/i.test(word);

function nameShape(word: string): Shape {
  if (/^[a-z]+$/.test(word)) return startsUrl(word) ? "url" : "lower";
  if (startsUrl(word)) return "url";
  if (/^[#＃][\p{L}\p{N}_]/u.test(word)) return "hashtag";
  if (/^[@＠][\p{L}\p{N}_]/u.test(word)) return "mention";
  return /\p{N}/u.test(word) ? nameNumber(word) : nameLetters(word);
}

const nameNumber = (word: string): Shape => (/\p{L}/u.test(word) ? "with-digit" : "digits");

function nameLetters(word: string): Shape {
  const letters = word.replace(/\P{L}/gu, "");
  if (letters === "") return "punctuation";
  const lower = letters.toLowerCase();
  const upper = letters.toUpperCase();
  if (lower === upper) return "caseless";
  if (letters === lower) return "lower";
  const first = String.fromCodePoint(letters.codePointAt(0)!);
  if (first.toLowerCase() !== first && letters.slice(first.length) === lower.slice(first.length)) return "capitalised";
  return letters === upper ? "upper" : "mixed";
}
