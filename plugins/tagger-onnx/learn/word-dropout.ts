import type { PackedInput } from "../input.ts";
import { hash } from "./dropout.ts";

/**
 * Makes some words of the post unknown, all their sub-words at once: what is left to tell a mention by is its context,
 * which is all there is for the names that no training post holds. Which words is a function of seed and step alone.
 * Word dropout: Iyyer et al. 2015, section 2.2; there the words are left out, here their places stay.
 */
export function dropWords(
  rows: readonly PackedInput[],
  { rate, unknown, seed, step }: { rate: number; unknown: number; seed: number; step: number },
): void {
  if (rate === 0) return;
  const limit = rate * 2 ** 32;
  const stream = hash(seed ^ 0x3c6ef372, step);
  let word = 0;
  for (const { ids, first, textLength } of rows)
    for (let i = 0; i < first.length; i++)
      if (hash(stream, word++) < limit) ids.fill(unknown, first[i]!, first[i + 1] ?? textLength + 1);
}
