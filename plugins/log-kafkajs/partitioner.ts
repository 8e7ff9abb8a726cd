import type { Message, PartitionerArgs } from "kafkajs";

/** A message that goes where another text than its key says. */
export type Aimed = Message & { readonly by?: string };

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** Murmur2 of bytes, as Java clients hash keys; the client's own does it with objects for 64 bits. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> 24;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  const left = length - at;
  if (left === 3) hash ^= bytes[at + 2]! << 16;
  if (left >= 2) hash ^= bytes[at + 1]! << 8;
  if (left >= 1) hash = Math.imul(hash ^ bytes[at]!, MULTIPLIER);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/** As Java clients do: the partition that is named, else by the hash of the key, else by turns. */
export function createPartitioner() {
  let turn = 0;
  return ({ message, partitionMetadata }: PartitionerArgs): number => {
    const { by, key, partition } = message as Aimed;
    if (partition !== undefined && partition !== null) return partition;
    const text = by ?? key;
    const count = partitionMetadata.length;
    if (text === undefined || text === null) return turn++ % count;
    return (murmur2(typeof text === "string" ? Buffer.from(text) : text) & 0x7fffffff) % count;
  };
}
