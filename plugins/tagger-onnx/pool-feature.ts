import type { Batch } from "./batch.ts";

/** Weighted mean of one row's hidden states `[rows × length × width]`, for graphs that do not pool themselves. */
export function poolHidden(hidden: Float32Array, { pool, length }: Batch, row: number, width: number): Float32Array {
  const pooled = new Float32Array(width);
  for (let position = row * length; position < (row + 1) * length; position++) {
    const weight = pool[position]!;
    if (weight === 0) continue;
    for (let i = 0; i < width; i++) pooled[i]! += weight * hidden[position * width + i]!;
  }
  return pooled;
}

/** Scales `vector` to length one, in place. */
export function normalise(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const scale = 1 / Math.max(Math.sqrt(squares), 1e-12);
  for (let i = 0; i < vector.length; i++) vector[i]! *= scale;
  return vector;
}
