import { mentionsOf, type Strays, strayCount, tagsOf } from "../bio2/index.ts";
import type { Mention } from "../facts.ts";
import type { Post } from "../schema/post.ts";
import type { GoldInput } from "../tagger.ts";

/** One tweet of a CoNLL file. */
export interface Sample {
  /** The image id of its `IMGID:` line, or its running number from 1. */
  readonly id: string;
  readonly words: readonly string[];
  /** BIO2 tags as the file gives them, one for each word. */
  readonly tags: readonly string[];
  readonly captions: readonly string[];
  /** The auxiliary text Z; empty where there is none. */
  readonly knowledge: string;
}

/** A data set as it was read. */
export interface Corpus {
  readonly file: string;
  readonly samples: readonly Sample[];
  /** Entity types of its tags, in alphabetical order. */
  readonly types: readonly string[];
  /** `I-` tags that continue no tag of their type. */
  readonly strays: number;
  /** `IMGID:` lines that no word follows; they give no sample. */
  readonly wordless: number;
}

const typesIn = (tags: readonly string[]): string[] =>
  [...new Set(tags.filter((tag) => tag !== "O").map((tag) => tag.slice(2)))].sort();

export const typesOf = (samples: readonly Sample[]): string[] => typesIn(samples.flatMap((sample) => sample.tags));

const indices = ({ tags }: Sample, types: readonly string[]): number[] => {
  const names = tagsOf(types);
  return tags.map((tag) => names.indexOf(tag));
};

/**
 * The mentions a person marked. A stray `I-` opens a mention when `strays` is `lenient` (the default, as seqeval's),
 * and is left out when it is `strict`.
 */
export function goldOf(sample: Sample, strays: Strays = "lenient"): Mention[] {
  const types = typesIn(sample.tags);
  return mentionsOf(indices(sample, types), types, strays);
}

export const straysOf = (sample: Sample): number => strayCount(indices(sample, typesIn(sample.tags)));

/** What a tagger learns from and is scored on; types are renamed by `labelMap` where it names them. */
export function goldInputOf(
  { words, captions, knowledge, ...rest }: Sample,
  labelMap: Readonly<Record<string, string>> = {},
  strays: Strays = "lenient",
): GoldInput {
  const gold = goldOf({ words, captions, knowledge, ...rest }, strays);
  return { words, captions, knowledge, gold: gold.map((m) => ({ ...m, type: labelMap[m.type] ?? m.type })) };
}

/** A post whose text is the words joined by one space, with their bounds and the gold mentions as labels. */
export function postOf(sample: Sample, strays: Strays = "lenient"): Post {
  let at = 0;
  const words = sample.words.map((word) => {
    const start = at;
    at += word.length + 1;
    return { start, end: start + word.length };
  });
  const labels = goldOf(sample, strays).map(({ start, end, type }) => ({
    start: words[start]!.start,
    end: words[end - 1]!.end,
    type,
  }));
  return { id: sample.id, text: sample.words.join(" "), words, labels };
}
