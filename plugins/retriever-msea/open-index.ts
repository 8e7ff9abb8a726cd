import { setImmediate as turn } from "node:timers/promises";
import { Fault, type Host } from "starling-ner";
import { exactIndex, type Hit, type Index, rowsOf, type Table } from "./exact.ts";
import { hnswIndex } from "./hnsw.ts";

export interface IndexOptions {
  readonly index: "auto" | "exact" | "hnsw";
  readonly ef: number;
  /** Neighbours that will be asked for: recall is measured for them. */
  readonly n: number;
  /** Where a built graph is kept: its name begins with this path. */
  readonly keep: string;
  readonly host: Pick<Host, "log" | "warn">;
  /** Makes the graph; the tests' own stands in where the library is to be absent. */
  readonly graph?: typeof hnswIndex;
}

/** `auto` looks at every row below this; at 384 numbers a row that takes about half a millisecond. */
export const EXACT_BELOW = 2000;
/** Recall below this is told to those who did not ask for the log. */
const RECALL = 0.95;
/** Rows that recall is measured on. */
const SAMPLE = 100;

/** The index that the options ask for; where a graph cannot be had, every row is looked at, and that is said. */
export async function openIndex(table: Table, options: IndexOptions): Promise<Index> {
  const { index, ef, n, keep, host, graph = hnswIndex } = options;
  refuseNaN(table);
  const exact = exactIndex(table);
  if (index === "exact" || (index === "auto" && rowsOf(table) < EXACT_BELOW)) return exact;
  try {
    const started = performance.now();
    const found = await graph(table, { ef, keep });
    const seconds = Math.round(performance.now() - started) / 1000;
    const recall = await recallOf(found, table, Math.max(1, n));
    const told = { rows: rowsOf(table), n, ef, recall, seconds };
    if (recall < RECALL) host.warn("the index misses neighbours; raise ef, or set index: exact", told);
    else host.log("index opened", told);
    return found;
  } catch (error) {
    host.warn("no index by hnswlib-node, every demonstration is compared", { reason: (error as Error).message });
    return exact;
  }
}

/** The library takes NaN without a word, and finds nothing any more. */
function refuseNaN({ vectors, width }: Table): void {
  const at = vectors.findIndex((value) => !Number.isFinite(value));
  if (at === -1) return;
  const where = `row ${Math.floor(at / width)} of the bank's features`;
  throw new Fault("NOT_A_NUMBER", { what: "the feature", where, mend: "delete the file of features" });
}

/**
 * Share of the `n` nearest rows that `index` finds, over a sample of the table's own rows, 0 to 1. A row as near as the
 * last of the true ones counts as found: which of equals comes first is chance.
 */
export async function recallOf(index: Index, table: Table, n: number, sample = SAMPLE): Promise<number> {
  const { vectors, width } = table;
  const rows = rowsOf(table);
  const exact = exactIndex(table);
  const queries = Math.min(sample, rows);
  let [found, wanted] = [0, 0];
  for (let i = 0; i < queries; i++) {
    const row = Math.floor((i * rows) / queries);
    const query = vectors.subarray(row * width, (row + 1) * width);
    const best = othersOf(exact, { row, query, n });
    const least = (best.at(-1)?.similarity ?? 0) - 1e-5;
    found += othersOf(index, { row, query, n }).filter(({ similarity }) => similarity >= least).length;
    wanted += best.length;
    await turn();
  }
  return wanted === 0 ? 1 : found / wanted;
}

/** One more is asked for: the row itself is the nearest, and proves nothing. */
const othersOf = (index: Index, { row, query, n }: { row: number; query: Float32Array; n: number }): readonly Hit[] =>
  index
    .search(query, n + 1)
    .filter((hit) => hit.row !== row)
    .slice(0, n);
