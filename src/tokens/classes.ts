/** What a code point is to the word splitter. */
export const SPACE = 1;
/** Letters and digits of scripts that put spaces between words, and `_`. */
export const WORD = 2;
/** Letters of scripts written without spaces: Han, kana, Thai, Lao, Khmer, Burmese. */
export const UNSPACED = 3;
/** Stays with what stands before it: combining marks, joiners, variation selectors, skin tones, emoji tags. */
export const EXTEND = 4;
export const PICTOGRAPH = 5;
/** Half of a flag. */
export const REGIONAL = 6;
/** Everything else: each is a word of its own. */
export const SYMBOL = 7;

const classes: readonly (readonly [number, RegExp])[] = [
  [SPACE, /\s/u],
  [EXTEND, /\p{M}|\p{Emoji_Modifier}|\p{Join_Control}|[\u{E0020}-\u{E007F}]/u],
  [REGIONAL, /\p{Regional_Indicator}/u],
  [UNSPACED, /(?=[\p{L}\p{N}])[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u],
  [PICTOGRAPH, /\p{Extended_Pictographic}/u],
  [WORD, /[\p{L}\p{N}_]/u],
];

const known = new Uint8Array(0x110000); // 0: not asked yet

/** Class of a code point; a lone surrogate is a `SYMBOL`. */
export function classOf(codePoint: number): number {
  return known[codePoint] || learn(codePoint);
}

function learn(codePoint: number): number {
  const char = String.fromCodePoint(codePoint);
  const found = classes.find(([, pattern]) => pattern.test(char))?.[0] ?? SYMBOL;
  known[codePoint] = found;
  return found;
}

export const isDigit = (unit: number): boolean => unit >= 48 && unit <= 57;
/** UTF-16 units of a code point. */
export const widthOf = (codePoint: number): number => (codePoint > 0xffff ? 2 : 1);
