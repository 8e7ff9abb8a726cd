import type { Answer, Feature } from "starling-ner";
import { MARK, signsOf } from "./mark-data.ts";
import type { Shown } from "./messages.ts";
import type { Options } from "./options.ts";

/** An answer of the LLM, kept for posts that say the same. */
export interface Kept extends Answer {
  readonly source: string;
}

interface Entry extends Kept {
  readonly key: string;
  /** The longest of its words: a post without it cannot be a repost. */
  readonly anchor: string;
  readonly signs: readonly string[];
  readonly seen: string;
  readonly feature: Feature | undefined;
  readonly until: number;
}

export interface Reposts {
  find(shown: Shown, feature: Feature | undefined): Kept | undefined;
  keep(shown: Shown, feature: Feature | undefined, answer: Kept): void;
}

/**
 * Answers of late, for near-duplicate posts. A post takes the answer of another where a model would be shown the same of both, or
 * where their features are alike and it has the other's words, all its signs in their order, and few signs more: nothing that is said
 * in one of them alone can then have shaped the answer, and nobody can plant one for posts of others.
 */
export function reposts({ similarity, size, maxAgeMs }: Options["reposts"], now = () => performance.now()): Reposts {
  // In the order they were kept, so that the oldest go first.
  const entries = new Map<string, Entry>();
  const byAnchor = new Map<string, Set<Entry>>();
  const drop = (entry: Entry) => {
    entries.delete(entry.key);
    const anchored = byAnchor.get(entry.anchor);
    anchored?.delete(entry);
    if (anchored?.size === 0) byAnchor.delete(entry.anchor);
  };
  const add = (entry: Entry) => {
    const before = entries.get(entry.key);
    if (before) drop(before);
    entries.set(entry.key, entry);
    byAnchor.set(entry.anchor, (byAnchor.get(entry.anchor) ?? new Set()).add(entry));
    if (entries.size > size) drop(entries.values().next().value!);
  };
  return {
    find(shown, feature) {
      for (const entry of entries.values())
        if (entry.until > now()) break;
        else drop(entry);
      const same = entries.get(keyOf(shown));
      if (same || feature === undefined || similarity === 1) return same;
      const [signs, seen] = [signsOf(shown.text), seenOf(shown)];
      for (const word of new Set(signs))
        for (const entry of byAnchor.get(word) ?? [])
          if (entry.seen === seen && saysTheSame(entry.signs, signs) && cosine(entry.feature, feature) >= similarity)
            return entry;
      return undefined;
    },
    keep(shown, feature, answer) {
      if (size === 0) return;
      const signs = signsOf(shown.text);
      const anchor = signs.reduce((longest, word) => (word.length > longest.length ? word : longest), "");
      add({
        ...answer,
        key: keyOf(shown),
        anchor,
        signs,
        seen: seenOf(shown),
        // A copy: the vector is a piece of the message that brought it, with those of many other posts.
        feature: feature && { ...feature, vector: feature.vector.slice() },
        until: now() + maxAgeMs,
      });
    },
  };
}

/** Pictures have to look the same to the letter: what one shows may be what an answer says. Marked data has no line breaks. */
const seenOf = ({ captions }: Shown): string => captions.join("\n");
const keyOf = (shown: Shown): string => `${shown.text}\n${seenOf(shown)}`;

/** Share of the new post's signs that the kept one lacks, at most. */
const MORE = 0.2;
const saysSomething = /[\p{L}\p{M}\p{N}]/u;

/**
 * Whether all of the kept post stands in the new one, in its order, and few signs besides, none of them a word: a word left out,
 * a name or a "not", makes another answer too.
 */
function saysTheSame(kept: readonly string[], fresh: readonly string[]): boolean {
  if (fresh.length - kept.length > MORE * fresh.length) return false;
  let at = 0;
  for (const sign of fresh)
    if (sign === kept[at]) at++;
    else if (sign !== MARK && saysSomething.test(sign)) return false;
  return at === kept.length;
}

/** Of vectors of length one; -1 where they cannot be compared. */
function cosine(a: Feature | undefined, b: Feature | undefined): number {
  if (!a || !b || a.of !== b.of || a.model !== b.model || a.vector.length !== b.vector.length) return -1;
  let sum = 0;
  for (let i = 0; i < a.vector.length; i++) sum += a.vector[i]! * b.vector[i]!;
  return sum;
}
