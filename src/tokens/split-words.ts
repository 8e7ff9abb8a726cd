import type { Word } from "../facts.ts";

const pattern = /https?:\/\/\S+|[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]/gu;

/** Words of a text that nobody tokenised, with exact UTF-16 offsets. Nothing but white space lies between them. */
export function splitWords(text: string): Word[] {
  return Array.from(text.matchAll(pattern), (match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
}
