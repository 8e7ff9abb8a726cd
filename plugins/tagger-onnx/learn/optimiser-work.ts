import { type AdamW, adamw, squares } from "./adamw.ts";
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

/** Sums the squares of the gradients of blocks [from, to) into `sums`. */
export function sumBlocks(arena: Arena, sums: Float64Array, from: number, to: number): void {
  for (let block = from; block < to; block++)
    sums[block] = squares(arena.gradients, block * BLOCK, Math.min((block + 1) * BLOCK, arena.length));
}

/** AdamW on the elements [from, to) of the arena. */
export function updateRange(arena: Arena, { lr, weightDecay, scale, step }: Update, from: number, to: number): void {
  for (const { group, decays, offset, length } of arena.parameters) {
    const [first, last] = [Math.max(from, offset), Math.min(to, offset + length)];
    if (first >= last) continue;
    const settings: AdamW = { lr: lr[group], decay: decays ? weightDecay : 0, scale, step };
    adamw(arena, first, last, arena.gradients, first, settings);
  }
}
