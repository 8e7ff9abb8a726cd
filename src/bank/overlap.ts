import type { Demonstration } from "../bank.ts";

/** Two demonstrations that say much the same. */
export interface Similar {
  readonly first: string;
  readonly second: string;
  /** Shared 5-grams over those of the shorter one, 0 to 1. */
  readonly overlap: number;
  /** Whether it is the posts that agree, or the posts together with captions and answers. */
  readonly of: "text" | "whole";
}

const GRAM = 5;

/** Runs of five words, lower case, without signs; shorter text is one gram of its own. */
export function gramsOf(text: string): ReadonlySet<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  if (words.length <= GRAM) return new Set(words.length > 0 ? [words.join(" ")] : []);
  return new Set(Array.from({ length: words.length - GRAM + 1 }, (_, i) => words.slice(i, i + GRAM).join(" ")));
}

/** All pairs that share at least `share` of the 5-grams of the shorter one, once for each pair. */
export function similarPairs(demonstrations: readonly Demonstration[], share = 0.5): Similar[] {
  const texts = pairsOf(demonstrations, "text", ({ text }) => text, share);
  const told = new Set(texts.map(({ first, second }) => `${first}\n${second}`));
  const wholes = pairsOf(
    demonstrations,
    "whole",
    ({ text, caption, answer }) => `${text}\n${caption}\n${answer}`,
    share,
  );
  return [...texts, ...wholes.filter(({ first, second }) => !told.has(`${first}\n${second}`))];
}

function pairsOf(
  demonstrations: readonly Demonstration[],
  of: Similar["of"],
  read: (one: Demonstration) => string,
  share: number,
): Similar[] {
  const grams = demonstrations.map((one) => gramsOf(read(one)));
  const holders = new Map<string, number[]>();
  return demonstrations.flatMap(({ id }, row) => {
    const shared = new Map<number, number>();
    for (const gram of grams[row]!) {
      const held = holders.get(gram) ?? [];
      for (const other of held) shared.set(other, (shared.get(other) ?? 0) + 1);
      holders.set(gram, [...held, row]);
    }
    return [...shared].flatMap(([other, count]) => {
      const overlap = count / Math.min(grams[row]!.size, grams[other]!.size);
      return overlap >= share ? [{ first: demonstrations[other]!.id, second: id, overlap, of }] : [];
    });
  });
}
