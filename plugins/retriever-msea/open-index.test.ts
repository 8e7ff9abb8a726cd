import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { exactIndex, type Table } from "./exact.ts";
import { hnswIndex, loadLibrary } from "./hnsw.ts";
import { EXACT_BELOW, openIndex, recallOf } from "./open-index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-index-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Vectors around some centres, as those of posts are; the same for the same seed. */
function tableOf(rows: number, width = 32, seed = 1): Table {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const centres = Array.from({ length: 20 }, () => Array.from({ length: width }, random));
  const vectors = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const centre = centres[row % centres.length]!;
    const vector = centre.map((value) => value + 0.5 * random());
    const length = Math.hypot(...vector);
    vectors.set(
      vector.map((value) => value / length),
      row * width,
    );
  }
  return { vectors, width };
}
const rowOf = ({ vectors, width }: Table, row: number) => vectors.subarray(row * width, (row + 1) * width);
const host = () => ({ log: vi.fn(), warn: vi.fn() });
const library = await loadLibrary().then(
  () => true,
  () => false,
);
const withLibrary = test.skipIf(!library);

test("exact search agrees with sorting all cosines", () => {
  const table = tableOf(300);
  const query = rowOf(tableOf(10, 32, 7), 3);
  const cosines = Array.from({ length: 300 }, (_, row) =>
    rowOf(table, row).reduce((sum, value, i) => sum + value * query[i]!, 0),
  );
  const sorted = cosines.map((similarity, row) => ({ similarity, row })).sort((a, b) => b.similarity - a.similarity);
  const found = exactIndex(table).search(query, 7);
  expect(found.map(({ row }) => row)).toEqual(sorted.slice(0, 7).map(({ row }) => row));
  for (const [i, { similarity }] of found.entries()) expect(similarity).toBeCloseTo(sorted[i]!.similarity, 5);
  expect(exactIndex(table).search(query, 1000)).toHaveLength(300);
  expect(exactIndex(table).search(query, 0)).toEqual([]);
});

test("auto compares every row below 2,000", async () => {
  const graph = vi.fn(hnswIndex);
  const small = await openIndex(tableOf(EXACT_BELOW - 1, 8), {
    index: "auto",
    ef: 64,
    n: 5,
    keep: "x",
    host: host(),
    graph,
  });
  expect(small.kind).toBe("exact");
  expect(graph).not.toHaveBeenCalled();
});

withLibrary("auto walks a graph from 2,000 on, tells its recall, and keeps it for the next opening", async () => {
  const table = tableOf(EXACT_BELOW);
  const keep = join(folder, "kept");
  const told = host();
  const index = await openIndex(table, { index: "auto", ef: 64, n: 5, keep, host: told });
  expect(index.kind).toBe("hnsw");
  expect(told.log).toHaveBeenCalledWith("index opened", expect.objectContaining({ recall: expect.any(Number) }));
  expect(await recallOf(index, table, 5)).toBeGreaterThan(0.95);
  expect(await readdir(folder)).toEqual([expect.stringMatching(/^kept\.[0-9a-f]{16}\.hnsw$/)]);
  const [first] = index.search(rowOf(table, 17), 1);
  expect(first).toMatchObject({ row: 17 });
  expect(first!.similarity).toBeCloseTo(1, 5);
  const again = await hnswIndex(table, { ef: 64, keep });
  expect(again.search(rowOf(table, 17), 5)).toEqual(index.search(rowOf(table, 17), 5));
});

withLibrary("a kept graph that is broken is built anew", async () => {
  const table = tableOf(200, 8, 3);
  const keep = join(folder, "broken");
  await hnswIndex(table, { ef: 64, keep });
  const [file] = (await readdir(folder)).filter((name) => name.startsWith("broken"));
  await writeFile(join(folder, file!), "no graph");
  const index = await hnswIndex(table, { ef: 64, keep });
  expect(index.search(rowOf(table, 5), 1)).toMatchObject([{ row: 5 }]);
});

withLibrary("graphs of what the bank was before are removed, and nothing else", async () => {
  const keep = join(folder, "bank.features");
  const others = [
    "bank.features.text.0123456789abcdef.hnsw",
    "bank.features.0123456789abcdef.hnsw.bak",
    "bank.features.0123.hnsw",
    "bankxfeatures.0123456789abcdef.hnsw",
    "other.features.0123456789abcdef.hnsw",
  ];
  await Promise.all(others.map((name) => writeFile(join(folder, name), "")));
  const own = async () => (await readdir(folder)).filter((name) => /^(?:bank|other).features/.test(name)).sort();
  await hnswIndex(tableOf(100, 8, 1), { ef: 64, keep });
  const [first] = (await own()).filter((name) => !others.includes(name));
  await hnswIndex(tableOf(100, 8, 2), { ef: 64, keep });
  const left = await own();
  const [second] = left.filter((name) => !others.includes(name));
  expect(second).not.toBe(first);
  expect(left).toEqual([...others, second].sort());
});

withLibrary("a folder that cannot be written is no hindrance", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  const table = tableOf(100, 8);
  const index = await hnswIndex(table, { ef: 64, keep: join(file, "below") });
  expect(index.search(rowOf(table, 5), 1)).toMatchObject([{ row: 5 }]);
});

test("without the library every row is compared, and that is said", async () => {
  const told = host();
  const absent = async () => {
    throw new Error("Cannot find package 'hnswlib-node'");
  };
  const table = tableOf(50, 8);
  const index = await openIndex(table, { index: "hnsw", ef: 64, n: 5, keep: "x", host: told, graph: absent });
  expect(index.kind).toBe("exact");
  expect(told.warn).toHaveBeenCalledWith(
    expect.stringContaining("hnswlib-node"),
    expect.objectContaining({ reason: expect.stringContaining("Cannot find package") }),
  );
});

test("an index that misses neighbours is told aloud", async () => {
  const told = host();
  const table = tableOf(100, 8);
  const blind = async () => ({ kind: "hnsw" as const, search: () => [] });
  await openIndex(table, { index: "hnsw", ef: 64, n: 5, keep: "x", host: told, graph: blind });
  expect(told.warn).toHaveBeenCalledWith(expect.stringContaining("misses"), expect.objectContaining({ recall: 0 }));
});

test("a table with NaN is refused: the library would take it", async () => {
  const table = tableOf(10, 8);
  table.vectors[13] = Number.NaN;
  const opening = openIndex(table, { index: "auto", ef: 64, n: 5, keep: "x", host: host() });
  await expect(opening).rejects.toMatchObject({ code: "NOT_A_NUMBER", message: expect.stringContaining("row 1 ") });
});
