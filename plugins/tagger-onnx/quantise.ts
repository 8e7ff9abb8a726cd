/** 8-bit integers with the scales that give them back: `value ≈ integer × scale`. */
export interface Quantised {
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

/** Symmetric, one scale for each column of a row-major matrix with `columns` columns. */
export function quantiseColumns(data: Float32Array, columns: number, bits: 7 | 8 = 8): Quantised {
  const largest = new Float32Array(columns);
  for (let i = 0; i < data.length; i++) largest[i % columns] = Math.max(largest[i % columns]!, Math.abs(data[i]!));
  const scales = largest.map((value) => scaleFor(value, bits));
  return { values: Int8Array.from(data, (value, i) => Math.round(value / scales[i % columns]!)), scales };
}

/** Symmetric, one scale for each row. */
export function quantiseRows(data: Float32Array, columns: number): Quantised {
  const scales = new Float32Array(data.length / columns);
  for (let row = 0; row < scales.length; row++) {
    let largest = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) largest = Math.max(largest, Math.abs(data[i]!));
    scales[row] = scaleFor(largest, 8);
  }
  return { values: Int8Array.from(data, (value, i) => Math.round(value / scales[Math.floor(i / columns)]!)), scales };
}

/** Zeros, and values so small that their scale would underflow, keep a scale that can be divided by. */
const scaleFor = (largest: number, bits: 7 | 8): number =>
  largest < 1e-30 ? 1 : Math.fround(largest / (2 ** (bits - 1) - 1));
