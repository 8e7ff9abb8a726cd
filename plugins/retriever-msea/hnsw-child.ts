/** Builds one graph and writes it; forked by hnsw.ts, because adding points blocks its thread for seconds to minutes. */
import { pathToFileURL } from "node:url";
import { rowsOf, type Table } from "./exact.ts";
import { loadLibrary } from "./hnsw.ts";

export interface Build extends Table {
  readonly file: string;
  readonly m: number;
  readonly efConstruction: number;
  readonly seed: number;
}

export interface Built {
  /** Why it could not be built. */
  readonly failed?: string;
}

async function build({ file, m, efConstruction, seed, ...table }: Build): Promise<void> {
  const { vectors, width } = table;
  const { HierarchicalNSW } = await loadLibrary();
  const graph = new HierarchicalNSW("ip", width);
  const rows = rowsOf(table);
  graph.initIndex({ maxElements: rows, m, efConstruction, randomSeed: seed });
  for (let row = 0; row < rows; row++)
    graph.addPoint(Array.from(vectors.subarray(row * width, (row + 1) * width)), row);
  await graph.writeIndex(file);
}

if (process.send && import.meta.url === pathToFileURL(process.argv[1]!).href)
  process.once("message", (message: Build) =>
    build(message).then(
      () => process.send!({} satisfies Built, () => process.disconnect()),
      (error: Error) => process.send!({ failed: error.message } satisfies Built, () => process.disconnect()),
    ),
  );
