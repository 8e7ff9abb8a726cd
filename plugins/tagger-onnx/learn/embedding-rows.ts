/** Gradients of the rows of a table that a batch read. */
export interface RowGradients {
  /** Distinct rows, in the order they were first read. */
  readonly rows: Int32Array;
  /** [rows × width] */
  readonly gradients: Float32Array;
}

/**
 * Sums `gradients` [positions × width] over the positions that read the same row of a table.
 * Positions whose `counted` is 0 (padding) are left out.
 */
export function sumByRow(
  indices: Int32Array,
  counted: Uint8Array,
  gradients: Float32Array,
  width: number,
): RowGradients {
  const slots = new Map<number, number>();
  for (let at = 0; at < indices.length; at++)
    if (counted[at] !== 0 && !slots.has(indices[at]!)) slots.set(indices[at]!, slots.size);
  const sums = new Float32Array(slots.size * width);
  for (let at = 0; at < indices.length; at++) {
    if (counted[at] === 0) continue;
    const to = slots.get(indices[at]!)! * width;
    const from = at * width;
    for (let d = 0; d < width; d++) sums[to + d] = sums[to + d]! + gradients[from + d]!;
  }
  return { rows: Int32Array.from(slots.keys()), gradients: sums };
}
