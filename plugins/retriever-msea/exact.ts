/** Rows of L2-normalised vectors, [rows × width], row-major; read, never changed. */
export interface Table {
  readonly vectors: Float32Array;
  readonly width: number;
}

/** A row of a table and its cosine similarity to the query. */
export interface Hit {
  readonly row: number;
  readonly similarity: number;
}

/** Finds the nearest rows of one table. */
export interface Index {
  readonly kind: "exact" | "hnsw";
  /** At most `n` hits, the nearest first; `query` is L2-normalised and as wide as the table. */
  search(query: Float32Array, n: number): readonly Hit[];
}

export const rowsOf = ({ vectors, width }: Table): number => (width === 0 ? 0 : vectors.length / width);

/** Looks at every row. Of rows that are equally near, the first comes first. */
export const exactIndex = (table: Table): Index => ({
  kind: "exact",
  search: (query, n) => searchAll(table, query, n),
});

function searchAll(table: Table, query: Float32Array, n: number): readonly Hit[] {
  const rows = rowsOf(table);
  const best: Hit[] = [];
  for (let row = 0; row < rows && n > 0; row++) {
    const similarity = dot(table, row, query);
    if (best.length === n && similarity <= best[n - 1]!.similarity) continue;
    let at = best.length;
    while (at > 0 && best[at - 1]!.similarity < similarity) at--;
    best.splice(at, 0, { row, similarity });
    if (best.length > n) best.pop();
  }
  return best;
}

/** Cosine similarity of L2-normalised vectors; four sums side by side, as none waits for another. */
function dot({ vectors, width }: Table, row: number, query: Float32Array): number {
  const from = row * width;
  const whole = width - (width % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    a += vectors[from + i]! * query[i]!;
    b += vectors[from + i + 1]! * query[i + 1]!;
    c += vectors[from + i + 2]! * query[i + 2]!;
    d += vectors[from + i + 3]! * query[i + 3]!;
  }
  for (let i = whole; i < width; i++) a += vectors[from + i]! * query[i]!;
  return a + b + (c + d);
}
