import type { Crf } from "starling-ner/crf";
import type { PackedInput, PackedPost } from "../input.ts";

/** Where the emissions of each word of a post stand among all. */
export interface Places {
  /** [words] */
  readonly first: Int32Array;
  readonly words: number;
}

/**
 * Places of every post whose rows stand in a batch in order; `place` tells that of a row's word (counted in the row).
 * A word that two windows read is taken from one.
 */
export function placesOf(
  posts: readonly PackedPost[],
  place: (row: number, packed: PackedInput, word: number) => number,
): Places[] {
  let row = 0;
  return posts.map(({ rows }) => {
    const words = rows.reduce((most, { keep }) => Math.max(most, keep.end), 0);
    const first = new Int32Array(words);
    for (const packed of rows) {
      for (let word = packed.keep.start; word < packed.keep.end; word++)
        first[word] = place(row, packed, word - packed.words.start);
      row++;
    }
    return { first, words };
  });
}

export interface WordPositions {
  /** Words of the row that has most of them. */
  readonly width: number;
  /** [rows × width × 2] row and position; rows with fewer words fill up with position 0, which is no word's. */
  readonly at: BigInt64Array;
}

export function wordPositions(rows: readonly PackedInput[]): WordPositions {
  const width = rows.reduce((most, { first }) => Math.max(most, first.length), 1);
  const at = new BigInt64Array(rows.length * width * 2);
  for (const [row, { first }] of rows.entries())
    for (let word = 0; word < width; word++) {
      at[(row * width + word) * 2] = BigInt(row);
      at[(row * width + word) * 2 + 1] = BigInt(first[word] ?? 0);
    }
  return { width, at };
}

/** Emissions of one post, [words × K], out of those of a batch, [places × K]. */
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
