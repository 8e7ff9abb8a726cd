import { createHash } from "node:crypto";
import type { TagInput } from "starling-ner";

const DIMENSIONS = 256;

/** Counts of hashed words, of length one: similar texts share words. A text without words points along the first axis. */
export function featureOf({ words, captions, knowledge }: TagInput): Float32Array {
  const vector = new Float32Array(DIMENSIONS);
  for (const word of [...words, ...[...captions, knowledge].flatMap((text) => text.split(/\s+/))])
    if (word !== "") vector[placeOf(word.toLowerCase())]! += 1;
  const length = Math.hypot(...vector);
  if (length === 0) vector[0] = 1;
  return length === 0 ? vector : vector.map((count) => count / length);
}

const placeOf = (word: string): number => createHash("sha256").update(word).digest().readUInt16LE() % DIMENSIONS;
