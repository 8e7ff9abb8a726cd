import type { Kernels } from "./kernels.ts";
import type { Arena, Group } from "./parameters.ts";

/** Elements of one sum of squares. Fixed, so that the norm does not depend on the number of threads. */
export const BLOCK = 1 << 18;

export const blocksOf = (length: number): number => Math.ceil(length / BLOCK);

/** Rates and factors of one update. */
export interface Update {
  readonly lr: Readonly<Record<Group, number>>;
  readonly weightDecay: number;
  readonly scale: number;
  readonly step: number;
}

/** An arena and the loops over it, as each thread has them. */
export interface Work {
  readonly arena: Arena;
  readonly kernels: Kernels;
}

/** Sums the squares of the gradients of blocks [from, to) into `sums`. */
export function sumBlocks({ arena, kernels }: Work, sums: Float64Array, from: number, to: number): void {
  for (let block = from; block < to; block++)
    sums[block] = kernels.squares(block * BLOCK, Math.min((block + 1) * BLOCK, arena.length));
}

/** AdamW on the elements [from, to) of the arena. */
export function updateRange({ arena, kernels }: Work, update: Update, from: number, to: number): void {
  const { lr, weightDecay, scale, step } = update;
  for (const { group, decays, offset, length } of arena.parameters) {
    const [first, last] = [Math.max(from, offset), Math.min(to, offset + length)];
    if (first < last) kernels.update(first, last, { lr: lr[group], decay: decays ? weightDecay : 0, scale, step });
  }
}
