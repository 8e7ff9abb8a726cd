import type { PackedInput } from "./input.ts";

/** Rows padded to one length, as the graph reads them. Every array is row-major. */
export interface Batch {
  readonly rows: number;
  readonly length: number;
  /** [rows × length] sub-word ids. */
  readonly ids: Int32Array;
  /** [rows × length] 0 for the text, 1 for what is added (0 everywhere for encoders with one segment). */
  readonly segments: Int32Array;
  /** [rows × length] index of each position, plus `firstPosition`. */
  readonly positions: Int32Array;
  /** [rows × length] index into `SHAPES`. */
  readonly shapes: Int32Array;
  /** [rows × 1 × 1 × length] what attention adds to its scores: 0, or `MASKED` on padding. */
  readonly mask: Float32Array;
  /** [rows × 1 × length] weight of each position in the pooled feature; each row sums to 1. */
  readonly pool: Float32Array;
}

/** Finite, so that a softmax over padding alone is no NaN. */
export const MASKED = -10_000;

export type Pooling = "cls" | "mean";

export interface BatchOptions {
  readonly pad: number;
  /** Index of the first position embedding in use: 0 for BERT, `pad_token_id + 1` for RoBERTa and XLM-RoBERTa. */
  readonly firstPosition: number;
  /** `mean` is over [CLS], the text's sub-words and its [SEP]. */
  readonly pooling: Pooling;
}

/** Pads `packed` to the longest of them. */
export function toBatch(packed: readonly PackedInput[], { pad, firstPosition, pooling }: BatchOptions): Batch {
  const rows = packed.length;
  const length = packed.reduce((longest, { ids }) => Math.max(longest, ids.length), 0);
  const size = rows * length;
  const ids = new Int32Array(size).fill(pad);
  const segments = new Int32Array(size);
  const shapes = new Int32Array(size);
  const positions = Int32Array.from({ length: size }, (_, index) => firstPosition + (index % length));
  const mask = new Float32Array(size);
  const pool = new Float32Array(size);
  packed.forEach((row, index) => {
    const at = index * length;
    ids.set(row.ids, at);
    segments.set(row.segments, at);
    shapes.set(row.shapes, at);
    mask.fill(MASKED, at + row.ids.length, at + length);
    const pooled = pooling === "cls" ? 1 : row.textLength + 2;
    pool.fill(1 / pooled, at, at + pooled);
  });
  return { rows, length, ids, segments, positions, shapes, mask, pool };
}
