import type { Answer, Feature } from "starling-ner";
import type { Subject } from "./messages.ts";
import type { Options } from "./options.ts";

/** An answer of the LLM, kept for posts that say the same. */
export interface Kept extends Answer {
  readonly source: string;
}

interface Entry extends Kept {
  readonly key: string;
  /** The longest of its words: a post without it cannot be a repost. */
  readonly anchor: string;
  readonly words: ReadonlyMap<string, number>;
  readonly seen: string;
  readonly feature: Feature | undefined;
  readonly until: number;
}

export interface Reposts {
  find(subject: Subject, feature: Feature | undefined): Kept | undefined;
  keep(subject: Subject, feature: Feature | undefined, answer: Kept): void;
}

/**
 * Answers of late, for near-duplicate posts. A post takes the answer of another where both have the same words, or where their
 * features are alike, it has every word of the other and few more: what is not in a post can then not have shaped its answer, and
 * nobody can plant an answer for posts of others.
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
    find(subject, feature) {
      const [words, seen] = [wordsOf(subject.text), seenOf(subject)];
      for (const entry of entries.values())
        if (entry.until > now()) break;
        else drop(entry);
      const same = entries.get(keyOf(words, seen));
      if (same || feature === undefined || similarity === 1) return same;
      const counts = countsOf(words);
      for (const word of counts.keys())
        for (const entry of byAnchor.get(word) ?? [])
          if (entry.seen === seen && saysNoMore(entry.words, counts) && cosine(entry.feature, feature) >= similarity)
            return entry;
      return undefined;
    },
    keep(subject, feature, answer) {
      if (size === 0) return;
      const [words, seen] = [wordsOf(subject.text), seenOf(subject)];
      const anchor = words.reduce((longest, word) => (word.length > longest.length ? word : longest), "");
      add({
        ...answer,
        key: keyOf(words, seen),
        anchor,
        words: countsOf(words),
        seen,
        feature,
        until: now() + maxAgeMs,
      });
    },
  };
}

const keyOf = (words: readonly string[], seen: string): string => `${words.join(" ")}\n${seen}`;

/** Words of the new post that the kept one lacks, at most. */
const MORE = 0.2;

/** Whether the kept post has no word that the new one lacks, and the new one few besides. */
function saysNoMore(kept: Entry["words"], fresh: Entry["words"]): boolean {
  let [shared, all] = [0, 0];
  for (const [word, count] of kept) if ((fresh.get(word) ?? 0) < count) return false;
  for (const [word, count] of fresh) {
    all += count;
    shared += Math.min(count, kept.get(word) ?? 0);
  }
  return all > 0 && (all - shared) / all <= MORE;
}

/** The words of a text in order; a leading `RT @someone:` and short links do not count. */
const wordsOf = (text: string): readonly string[] =>
  signsOf(
    text
      .normalize("NFKC")
      .replace(/^\s*RT\s*@\s*\w{1,20}\s*:/iu, "")
      .replace(/https?:\/\/[\w.-]{1,30}\/\w{1,16}(?=\s|$|[)"'”’…])/giu, ""),
  );

const signsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+|[^\s\p{P}]/gu) ?? [];

/** Pictures have to look the same word by word: what one shows may be what an answer says. */
const seenOf = ({ captions }: Subject): string =>
  captions.map((one) => signsOf(one.normalize("NFKC")).join(" ")).join("\n");

function countsOf(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Of vectors of length one; -1 where they cannot be compared. */
function cosine(a: Feature | undefined, b: Feature | undefined): number {
  if (!a || !b || a.of !== b.of || a.model !== b.model || a.vector.length !== b.vector.length) return -1;
  let sum = 0;
  for (let i = 0; i < a.vector.length; i++) sum += a.vector[i]! * b.vector[i]!;
  return sum;
}
