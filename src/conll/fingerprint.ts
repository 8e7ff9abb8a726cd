import { createHash } from "node:crypto";
import type { Sample } from "./sample.ts";

type Tagged = Pick<Sample, "words" | "tags">;

const sha = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");

/**
 * SHA-256, in hex, over words and tags of the samples; their order, their ids and the layout of the file do not matter.
 */
export const fingerprint = (samples: readonly Tagged[]): string =>
  sha(
    samples
      .map(({ words, tags }) => sha(`${words.join("\t")}\n${tags.join("\t")}`))
      .sort()
      .join("\n"),
  );

/** Share of the smaller set whose words, whatever their tags, stand in the other set too; 0 to 1. */
export function overlap(a: readonly Tagged[], b: readonly Tagged[]): number {
  const [small, large] = a.length <= b.length ? [a, b] : [b, a];
  if (small.length === 0) return 0;
  const known = new Set(large.map(({ words }) => words.join("\t")));
  return small.filter(({ words }) => known.has(words.join("\t"))).length / small.length;
}
