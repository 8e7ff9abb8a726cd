import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HierarchicalNSW } from "hnswlib-node";
import { makeFolder } from "starling-ner";
import { type Index, rowsOf, type Table } from "./exact.ts";
import type { Build, Built } from "./hnsw-child.ts";

export interface HnswOptions {
  /** Candidates kept while searching, at least 64: with the library's own 10 a quarter of the neighbours is missed. */
  readonly ef: number;
  /** Where built graphs are kept: their names begin with this path. */
  readonly keep: string;
}

/** Links of each vector, and candidates while building: the library's own values, which recall is measured for. */
const GRAPH = { m: 16, efConstruction: 200, seed: 100 };

/**
 * A graph over `table`, by hnswlib-node: read where it was built before, else built in a process of its own, so that this
 * one goes on. `similarity` comes from float32 sums and is good to about 1e-6. Throws where the library is absent, or
 * the building failed.
 */
export async function hnswIndex(table: Table, { ef, keep }: HnswOptions): Promise<Index> {
  const { HierarchicalNSW } = await loadLibrary();
  const graph = new HierarchicalNSW("ip", table.width);
  await readOrBuild(graph, table, keep);
  graph.setEf(ef);
  return { kind: "hnsw", search: (query, n) => searchGraph(graph, query, Math.min(n, rowsOf(table))) };
}

/** The package is CommonJS; bundlers and loaders differ in what they make of that. */
export async function loadLibrary(): Promise<typeof import("hnswlib-node")> {
  const found = await import("hnswlib-node");
  return "HierarchicalNSW" in found ? found : (found as { default: typeof import("hnswlib-node") }).default;
}

function searchGraph(graph: HierarchicalNSW, query: Float32Array, n: number) {
  if (n === 0) return [];
  const { neighbors, distances } = graph.searchKnn(Array.from(query), n);
  return neighbors.map((row, i) => ({ row, similarity: 1 - distances[i]! }));
}

async function readOrBuild(graph: HierarchicalNSW, table: Table, keep: string): Promise<void> {
  const file = `${keep}.${digestOf(table)}.hnsw`;
  if (await isThere(file)) {
    try {
      await graph.readIndex(file);
      if (graph.getCurrentCount() === rowsOf(table)) return;
    } catch {
      // Broken, or of another version of the library: built anew.
    }
  }
  const folder = await placeFor(file);
  try {
    const beside = join(folder, "graph");
    await buildApart({ ...GRAPH, ...table, file: beside });
    await graph.readIndex(beside);
    await rename(beside, file).then(
      () => removeOthers(keep, file),
      () => {},
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Graphs of what the bank was before: nobody will read them again. */
async function removeOthers(keep: string, file: string): Promise<void> {
  const [folder, begin] = [dirname(keep), `${basename(keep)}.`];
  const isGraph = (name: string) => name.startsWith(begin) && /^[0-9a-f]{16}\.hnsw$/.test(name.slice(begin.length));
  const names = await readdir(folder).catch(() => []);
  const old = names.filter((name) => isGraph(name) && name !== basename(file));
  await Promise.all(old.map((name) => rm(join(folder, name), { force: true }).catch(() => {})));
}

/** A new folder beside `file`, or, where that cannot be written, among the temporary ones. */
async function placeFor(file: string): Promise<string> {
  try {
    makeFolder(dirname(file));
    return await mkdtemp(`${file}.`);
  } catch {
    return mkdtemp(join(tmpdir(), "starling-hnsw-"));
  }
}

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

const digestOf = ({ vectors }: Table): string =>
  createHash("sha256")
    .update(new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength))
    .digest("hex")
    .slice(0, 16);

const here = fileURLToPath(import.meta.url);

/** TypeScript in the repository, JavaScript once built. */
const entry = join(dirname(here), `hnsw-child${extname(here)}`);

async function buildApart(build: Build): Promise<void> {
  const child = fork(entry, {
    serialization: "advanced",
    execArgv: extname(entry) === ".ts" ? ["--conditions=source"] : [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const built = await answerOf(child, build);
  if (built.failed !== undefined) throw new Error(built.failed);
}

const answerOf = (child: ChildProcess, build: Build): Promise<Built> =>
  new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as Built));
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(new Error(`the process that builds the index ended (${signal ?? code})`)),
    );
    child.send(build, (error) => error && reject(error));
  });
