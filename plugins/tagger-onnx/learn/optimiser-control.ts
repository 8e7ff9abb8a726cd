import type { Update } from "./optimiser-work.ts";

/** What the two threads of the optimiser tell each other, in shared memory. */
export interface Control {
  /** `GO` counts tasks given, `DONE` tasks finished, `TASK` says which. */
  readonly flags: Int32Array<SharedArrayBuffer>;
  /** Settings of an update. */
  readonly settings: Float64Array<SharedArrayBuffer>;
  /** Sum of squares of each block of gradients. */
  readonly sums: Float64Array<SharedArrayBuffer>;
}

/** Places in `flags`. */
export const [GO, DONE, TASK] = [0, 1, 2] as const;
/** Tasks. */
export const [SUM, UPDATE, STOP] = [1, 2, 3] as const;

export const createControl = (blocks: number): Control => ({
  flags: new Int32Array(new SharedArrayBuffer(12)),
  settings: new Float64Array(new SharedArrayBuffer(40)),
  sums: new Float64Array(new SharedArrayBuffer(blocks * 8)),
});

export function writeUpdate({ settings }: Control, { lr, weightDecay, scale, step }: Update): void {
  settings.set([lr.encoder, lr.head, weightDecay, scale, step]);
}

export function readUpdate({ settings }: Control): Update {
  const [encoder, head, weightDecay, scale, step] = settings as unknown as [number, number, number, number, number];
  return { lr: { encoder, head }, weightDecay, scale, step };
}
