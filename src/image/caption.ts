import { z } from "zod";

/** How long a caption may be: it is data of strangers, and the encoder's room is for the post. */
export const captionLimits = {
  maxWords: z.int().positive().max(200).default(30).describe("Words of a caption; the rest is cut"),
  maxChars: z.int().positive().max(2000).default(300).describe("Characters of a caption, in UTF-16 units"),
};

export interface CaptionLimits {
  readonly maxWords: number;
  readonly maxChars: number;
}

/** Control and format characters, line and paragraph separators: nothing that a sentence needs. Joiners of emoji stay. */
const unseen = /(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line of plain words: white space collapsed, control characters off, cut at whole words where there are any. */
export function cleanCaption(text: string, { maxWords, maxChars }: CaptionLimits): string {
  // Long before the cut is exact, so that a text of megabytes costs nothing.
  const start = text.slice(0, maxChars * 8).toWellFormed();
  const words = start.replace(unseen, " ").trim().split(/\s+/).slice(0, maxWords);
  while (words.length > 1 && words.join(" ").length > maxChars) words.pop();
  const line = words.join(" ");
  return line.length <= maxChars ? line : wholeCharacters(line.slice(0, maxChars));
}

/** Half a surrogate pair at the end is taken off. */
const wholeCharacters = (text: string): string => (text.isWellFormed() ? text : text.slice(0, -1));
