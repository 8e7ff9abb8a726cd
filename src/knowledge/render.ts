import type { Answer } from "./answer.ts";

/** Characters of Z at most; PGIM's longest are a little over a thousand. */
export const MAX_KNOWLEDGE = 1200;

/**
 * The Z that an encoder reads, in the very layout of the answers that models are trained on: one line, `Reasoning`
 * following the last bracket without a space. Cut at `maxLength` characters, at a word; control and invisible signs are
 * left out.
 */
export function renderKnowledge({ entities, reasoning }: Answer, maxLength = MAX_KNOWLEDGE): string {
  const list =
    entities.length === 0
      ? "None."
      : entities.map(({ text, type }, i) => `${i + 1}. ${text}${type === "" ? "" : ` (${type})`}`).join("");
  const why = reasoning === "" ? "" : `Reasoning:${reasoning}`;
  return cutAtWord(oneLine(`Named entities:${list}${why}`), maxLength);
}

/** One line of visible signs: no control, format or surrogate characters, whitespace as single spaces. */
export const oneLine = (text: string): string =>
  text
    .replace(/\s+/gu, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, (sign) => (sign === "\u200d" ? sign : ""))
    .trim();

function cutAtWord(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const space = text.lastIndexOf(" ", maxLength);
  return text.slice(0, space > maxLength / 2 ? space : maxLength).replace(/[\ud800-\udbff]$/u, "");
}
