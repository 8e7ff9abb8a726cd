/**
 * The words of the training data as a Bloom filter: tens of kilobytes, from which no list of words can be read back.
 * About one unknown word in a hundred passes for known.
 */
export interface Vocabulary {
  /** Whether a word is one whose novelty means anything: not a link, not a handle, not a number. */
  readonly counts: (word: string) => boolean;
  readonly has: (word: string) => boolean;
  readonly toJSON: () => { readonly bits: number; readonly hashes: number; readonly base64: string };
}

const hashes = 4;
const bitsPerWord = 11;

export function vocabularyOf(words: readonly string[]): Vocabulary {
  const distinct = [...new Set(words.filter(counts).map(normal))];
  const bits = Math.max(64, 8 * Math.ceil((distinct.length * bitsPerWord) / 8));
  const field = new Uint8Array(bits / 8);
  for (const word of distinct) for (const bit of bitsOf(word, bits)) field[bit >> 3]! |= 1 << (bit & 7);
  return over(field);
}

/** Reads what `toJSON` wrote. */
export const readVocabulary = ({ base64 }: { readonly base64: string }): Vocabulary =>
  over(Buffer.from(base64, "base64"));

function over(field: Uint8Array): Vocabulary {
  const has = (word: string) =>
    bitsOf(normal(word), field.length * 8).every((bit) => (field[bit >> 3]! & (1 << (bit & 7))) !== 0);
  return {
    counts,
    has,
    toJSON: () => ({ bits: field.length * 8, hashes, base64: Buffer.from(field).toString("base64") }),
  };
}

const normal = (word: string): string => word.normalize("NFKC").toLowerCase();
const counts = (word: string): boolean => !/^(https?|@|www\.)/i.test(word) && /\p{L}/u.test(word);

/** Two hashes make them all (Kirsch and Mitzenmacher). */
function bitsOf(word: string, bits: number): number[] {
  const [a, b] = [fnv(word, 2166136261), fnv(word, 0x9747b28c) | 1];
  return Array.from({ length: hashes }, (_, i) => ((a + Math.imul(i, b)) >>> 0) % bits);
}

function fnv(word: string, seed: number): number {
  let h = seed;
  for (let i = 0; i < word.length; i++) h = Math.imul(h ^ word.charCodeAt(i), 16777619);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
