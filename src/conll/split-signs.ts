import type { Sample } from "./sample.ts";

const signed = /^[#@](?=\S)/u;

/**
 * A sample whose `#Name` and `@name` are two words, as the words of a live post are. A mention that began with the sign
 * begins after it; a sign inside a mention stays inside.
 */
export function splitSigns(sample: Sample): Sample {
  const pairs = sample.words.flatMap((word, i): [string, string][] => {
    const tag = sample.tags[i]!;
    if (!signed.test(word)) return [[word, tag]];
    return [
      [word.slice(0, 1), tag.startsWith("B-") ? "O" : tag],
      [word.slice(1), tag],
    ];
  });
  return { ...sample, words: pairs.map(([word]) => word), tags: pairs.map(([, tag]) => tag) };
}
