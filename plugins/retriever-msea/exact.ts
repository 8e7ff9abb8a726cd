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

/** Cosine similarity of L2-normalised vectors. */
function dot({ vectors, width }: Table, row: number, query: Float32Array): number {
  const from = row * width;
  let sum = 0;
  for (let i = 0; i < width; i++) sum += vectors[from + i]! * query[i]!;
  return sum;
}
