import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { goldOf, readCorpus, type Sample } from "../src/conll/index.ts";
import { splitWords } from "../src/tokens/index.ts";
import { undoSpacing } from "../test/undo-spacing.ts";

const data = fileURLToPath(new URL("../../shared/data/mner", import.meta.url));

interface Bounds {
  readonly gold: number;
  readonly onWords: number;
}

/** Gold mention bounds of a sample with its spacing undone, and those on a bound of `splitWords`. */
function boundsOf(sample: Sample): Bounds {
  const { text, words } = undoSpacing(sample.words);
  const split = splitWords(text);
  const starts = new Set(split.map((word) => word.start));
  const ends = new Set(split.map((word) => word.end));
  let onWords = 0;
  const gold = goldOf(sample);
  for (const { start, end } of gold)
    onWords += Number(starts.has(words[start]!.start)) + Number(ends.has(words[end - 1]!.end));
  return { gold: 2 * gold.length, onWords };
}

/** Median microseconds that `splitWords` takes for one text. */
function microseconds(texts: readonly string[], rounds: number): number {
  const times = Array.from({ length: rounds }, () => {
    const from = performance.now();
    for (const text of texts) splitWords(text);
    return ((performance.now() - from) * 1000) / texts.length;
  });
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)]!;
}

export interface BenchOptions {
  readonly scale: number;
  readonly args: readonly string[];
}

/** Share of the gold mention bounds that lie on word bounds when punctuation is joined as people write it. */
export default async function words({ scale }: BenchOptions): Promise<Record<string, unknown>> {
  if (!existsSync(data)) return { bench: "words", ratio: null, skipped: `no data in ${data}` };
  const perSet: Record<string, unknown> = {};
  let total = { gold: 0, onWords: 0 };
  for (const set of ["twitter2015", "twitter2017"]) {
    const { samples } = await readCorpus({ path: `${data}/${set}/valid.txt` });
    const some = samples.slice(0, Math.max(1, Math.round(samples.length * scale)));
    const sums = some.map(boundsOf).reduce((a, b) => ({ gold: a.gold + b.gold, onWords: a.onWords + b.onWords }));
    const us = microseconds(
      some.map((sample) => undoSpacing(sample.words).text),
      21,
    );
    total = { gold: total.gold + sums.gold, onWords: total.onWords + sums.onWords };
    perSet[set] = { bounds: sums.gold, share: sums.onWords / sums.gold, microsecondsPerPost: us };
    console.log(
      `${set}: ${((100 * sums.onWords) / sums.gold).toFixed(2)}% of ${sums.gold} bounds, ${us.toFixed(1)} us a post`,
    );
  }
  return { bench: "words", ratio: total.onWords / total.gold, perSet };
}
