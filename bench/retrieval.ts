/**
 * The nearest neighbours of tweets, by the features of models/default. `ratio` is the recall of the graph against exact
 * search, over all tweets of both sets at hand, N = 5 (0.99 is wanted); a search of every row of a bank of 202 takes
 * `exactMs` (1 is allowed, at the 99th percentile).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exactIndex, type Index, rowsOf, type Table } from "../plugins/retriever-msea/exact.ts";
import { openIndex, recallOf } from "../plugins/retriever-msea/open-index.ts";
import { data, demonstrationOf, hasData, rowOf, samplesOf, tableOf, withTagger, years } from "./support/tweets.ts";

const N = 5;
const BANK = 202;
const QUERIES = 1000;

export default async function retrieval({ scale }: { readonly scale: number }): Promise<Record<string, unknown>> {
  if (!hasData()) {
    console.log(`skipped: no data in ${data}; STARLING_DATA names the folder of twitter2015/ and twitter2017/`);
    return { bench: "retrieval", ratio: null, skipped: "no data" };
  }
  const table = await tweets(scale);
  const bank = { ...table, vectors: table.vectors.subarray(0, BANK * table.width) };
  const exactMs = searchMs(exactIndex(bank), table);
  console.log(`exact, ${BANK} rows of ${table.width}: ${shown(exactMs)}`);
  const folder = await mkdtemp(join(tmpdir(), "starling-bench-"));
  try {
    return { bench: "retrieval", wanted: 0.99, exactMs, exactWantedMs: 1, ...(await graph(table, folder)) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Features of train and valid of both sets, text and caption. */
function tweets(scale: number): Promise<Table> {
  return withTagger(undefined, async (tagger) => {
    const parts = years.flatMap((year) => [samplesOf(year, "train"), samplesOf(year, "valid")]);
    const samples = (await Promise.all(parts)).flatMap((some) => some.slice(0, Math.ceil(some.length * scale)));
    const from = performance.now();
    const table = await tableOf(samples.map(demonstrationOf), tagger);
    console.log(`${samples.length} tweets encoded in ${((performance.now() - from) / 1000).toFixed(1)} s`);
    return table;
  });
}

async function graph(table: Table, folder: string) {
  const warned: unknown[] = [];
  const host = { log: () => {}, warn: (_: string, fields?: object) => void warned.push(fields) };
  const from = performance.now();
  const index = await openIndex(table, { index: "hnsw", ef: 128, n: N, keep: join(folder, "bench"), host });
  const openSeconds = (performance.now() - from) / 1000;
  if (index.kind === "exact") {
    console.log("no graph:", ...warned);
    return { ratio: null, skipped: "no hnswlib-node" };
  }
  const recall = await recallOf(index, table, N, QUERIES);
  const [graphMs, allMs] = [searchMs(index, table), searchMs(exactIndex(table), table, 100)];
  console.log(`graph, ${rowsOf(table)} rows: recall ${recall.toFixed(4)}, ${shown(graphMs)}; exact ${shown(allMs)}`);
  console.log(`built, read and measured in ${openSeconds.toFixed(1)} s`);
  return { ratio: recall, rows: rowsOf(table), graphMs, exactAllMs: allMs, openSeconds };
}

/** Milliseconds of one search, median and 99th percentile, with rows of `table` as queries. */
function searchMs(index: Index, table: Table, queries = QUERIES): { readonly p50: number; readonly p99: number } {
  const times = Array.from({ length: queries }, (_, i) => {
    const query = rowOf(table, Math.floor((i * rowsOf(table)) / queries));
    const from = performance.now();
    index.search(query, N);
    return performance.now() - from;
  }).sort((a, b) => a - b);
  return { p50: times[Math.floor(queries * 0.5)]!, p99: times[Math.floor(queries * 0.99)]! };
}

const shown = ({ p50, p99 }: ReturnType<typeof searchMs>) =>
  `p50 ${p50.toFixed(3)} ms, p99 ${p99.toFixed(3)} ms a search`;
