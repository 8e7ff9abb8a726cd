import { shuffled } from "./random.ts";

export interface Bucketing {
  /** Posts in a batch. */
  readonly batch: number;
  /** Batches whose posts are sorted by length together. */
  readonly chunk: number;
  readonly seed: number;
  /** From 0. */
  readonly epoch: number;
}

/**
 * Batches of one epoch as indices into `lengths`. Posts are shuffled, sorted by length inside chunks of some batches so
 * that little is padded, and the batches shuffled again. Always ceil(posts / batch) batches, each post in one.
 */
export function epochBatches(lengths: readonly number[], { batch, chunk, seed, epoch }: Bucketing): number[][] {
  const order = shuffled([...lengths.keys()], seed, "order", epoch);
  const chunks = split(order, batch * chunk);
  const sorted = chunks.map((posts) => posts.sort((a, b) => lengths[a]! - lengths[b]!));
  return shuffled(
    sorted.flatMap((posts) => split(posts, batch)),
    seed,
    "batches",
    epoch,
  );
}

function split<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}
