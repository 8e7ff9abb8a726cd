import type { Context, ScoredMention, TagInput } from "starling-ner";
import { type Gazetteer, keyOf } from "./list.ts";

/** The longest name that begins at a word wins; one that knowledge names too is believed half as much again. */
export function tag({ words, knowledge }: TagInput, { typeOf, longest }: Gazetteer, trust: number): ScoredMention[] {
  const known = knowledge.toLowerCase();
  const mentions: ScoredMention[] = [];
  for (let start = 0; start < words.length; start = Math.max(start + 1, mentions.at(-1)?.end ?? 0))
    for (let end = Math.min(words.length, start + longest); end > start; end--) {
      const key = keyOf(words.slice(start, end));
      const type = typeOf.get(key);
      if (type === undefined) continue;
      mentions.push({ start, end, type, confidence: known.includes(key) ? (1 + trust) / 2 : trust });
      break;
    }
  return mentions;
}

export const contextOf = ({ captions, knowledge }: TagInput): Context =>
  `text${captions.length > 0 ? "+captions" : ""}${knowledge === "" ? "" : "+knowledge"}` as Context;
