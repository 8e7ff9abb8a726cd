/**
 * The text a person might have written for tokenised words: punctuation joined to what it belongs to.
 * Deterministic, and blind to entities. It joins what English tweets join; where a hyphen may be a dash it joins before
 * a small letter or a digit.
 */
export interface Respaced {
  readonly text: string;
  /** UTF-16 bounds of each word in `text`. */
  readonly words: readonly { readonly start: number; readonly end: number }[];
}

export function undoSpacing(words: readonly string[]): Respaced {
  const quotes = quoteSides(words);
  let text = "";
  const bounds = words.map((word, index) => {
    if (index > 0 && !joined(words, index, quotes)) text += " ";
    const start = text.length;
    text += word;
    return { start, end: text.length };
  });
  return { text, words: bounds };
}

type Side = "open" | "close" | "inside";

const closing = /^(?:[.,!?;:%)\]}…”»‼]+|\.\.\.)$/u;
const opening = /^(?:[#@([{$£€“‘«]|#|＃)$/u;
const letters = /^[\p{L}\p{N}_]/u;
const endsInLetter = /[\p{L}\p{N}_]$/u;
const contraction = /^(?:s|t|m|d|re|ve|ll|S|T|M|D|RE|VE|LL|em|til|n|clock)$/;
const clings = /^(?:\p{M}|\p{Emoji_Modifier}|\p{Join_Control})/u;
const regional = /^\p{Regional_Indicator}$/u;

/** Quotes open and close in turn; an apostrophe inside a contraction is neither. */
function quoteSides(words: readonly string[]): Map<number, Side> {
  const sides = new Map<number, Side>();
  const open = { '"': false, "'": false };
  words.forEach((word, index) => {
    if (word === "’") sides.set(index, contraction.test(words[index + 1] ?? "") ? "inside" : "close");
    if (word !== '"' && word !== "'") return;
    if (word === "'" && contraction.test(words[index + 1] ?? "") && endsInLetter.test(words[index - 1] ?? "")) {
      sides.set(index, "inside");
      return;
    }
    sides.set(index, open[word] ? "close" : "open");
    open[word] = !open[word];
  });
  return sides;
}

/** Does no space stand between the words `at - 1` and `at`? */
function joined(words: readonly string[], at: number, quotes: ReadonlyMap<number, Side>): boolean {
  const [left, right] = [words[at - 1]!, words[at]!];
  const [leftSide, rightSide] = [quotes.get(at - 1), quotes.get(at)];
  if (rightSide) return rightSide !== "open" || opening.test(left);
  if (leftSide) return leftSide === "inside" || leftSide === "open" || closing.test(right);
  if (clings.test(right) || left === "\u200D" || isFlag(words, at)) return true;
  if (isEntity(words, at) || isLink(words, at)) return true;
  if (right === "_" || (left === "_" && letters.test(right))) return endsInLetter.test(left);
  if (joinsNumbers(words, at)) return true;
  if (/^[-/+]$/.test(right) || /^[-/+]$/.test(left)) return joinsBySign(words, at);
  if (closing.test(right)) return true;
  return opening.test(left) && !/^[#@]$/.test(right) && letters.test(right);
}

/** Regional indicators pair up from the first of a run. */
function isFlag(words: readonly string[], at: number): boolean {
  let run = 0;
  while (at - run - 1 >= 0 && regional.test(words[at - run - 1]!)) run++;
  return regional.test(words[at]!) && run % 2 === 1;
}

/** `&amp ;` and `& gt ;` of HTML. */
function isEntity(words: readonly string[], at: number): boolean {
  const [before, left, right] = [words[at - 2], words[at - 1]!, words[at]!];
  return (
    (left === "&" && /^(?:amp|lt|gt|quot|;)$/.test(right)) ||
    (/&(?:amp|lt|gt|quot)$/.test(left) && right === ";") ||
    (before === "&" && /^(?:amp|lt|gt|quot)$/.test(left) && right === ";")
  );
}

/** `https : //t . co/x`. */
const isLink = (words: readonly string[], at: number): boolean =>
  (words[at - 1] === ":" && words[at]!.startsWith("//")) ||
  (words[at - 1] === "." && words[at]!.startsWith("co/")) ||
  (/^https?$/.test(words[at - 1]!) && words[at] === ":");

/** `7 : 30`, `2 . 99`, `5 th`, `U . S .` */
function joinsNumbers(words: readonly string[], at: number): boolean {
  const [before, left, right] = [words[at - 2] ?? "", words[at - 1]!, words[at]!];
  if (/^[.:]$/.test(left))
    return (
      (/\d$/.test(before) && /^\d/.test(right)) || (/^[A-Z]$/.test(before) && /^[A-Z]$/.test(right) && left === ".")
    );
  return /^\d+$/.test(left) && /^(?:st|nd|rd|th|s|pm|am|PM|AM|M|K|k|m)$/.test(right);
}

/** A sign joins both sides or none: `-` before a small letter or a digit, `/` between letters, `+` after a digit. */
function joinsBySign(words: readonly string[], at: number): boolean {
  const sign = /^[-/+]$/.test(words[at]!) ? at : at - 1;
  const [left, right] = [words[sign - 1] ?? "", words[sign + 1] ?? ""];
  if (words[sign] === "+") return sign === at && /\d$/.test(left);
  if (!endsInLetter.test(left) || !letters.test(right)) return false;
  return words[sign] === "/" || /^(?!https?)[\p{Ll}\p{N}]/u.test(right);
}
