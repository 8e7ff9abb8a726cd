import type { Crf } from "starling-ner/crf";
import type { Batch } from "../batch.ts";
import type { PackedPost } from "../input.ts";

/** Where each word of a post finds its emissions: the row of the batch and the position in it, as one index. */
export interface Places {
  /** [words] row × length + position of the word's first sub-word. */
  readonly first: Int32Array;
  readonly words: number;
}

/** Places of every post whose rows stand in `batch` in order. A word that two windows read is taken from one. */
export function placesOf(posts: readonly PackedPost[], { length }: Pick<Batch, "length">): Places[] {
  let row = 0;
  return posts.map(({ rows }) => {
    const words = rows.reduce((most, { keep }) => Math.max(most, keep.end), 0);
    const first = new Int32Array(words);
    for (const packed of rows) {
      for (let word = packed.keep.start; word < packed.keep.end; word++)
        first[word] = row * length + packed.first[word - packed.words.start]!;
      row++;
    }
    return { first, words };
  });
}

/** Emissions of one post, [words × K], out of those of the batch, [positions × K]. */
export function takeEmissions(all: Float32Array, { first, words }: Places, { tags }: Crf): Float32Array {
  const taken = new Float32Array(words * tags);
  for (let word = 0; word < words; word++)
    for (let tag = 0; tag < tags; tag++) taken[word * tags + tag] = all[first[word]! * tags + tag]!;
  return taken;
}

/** The way back: writes `part` times `factor` to its places in `all`. */
export function putEmissions(
  all: Float32Array,
  { first, words }: Places,
  { tags }: Crf,
  part: Float32Array,
  factor: number,
): void {
  for (let word = 0; word < words; word++)
    for (let tag = 0; tag < tags; tag++) all[first[word]! * tags + tag] = part[word * tags + tag]! * factor;
}
