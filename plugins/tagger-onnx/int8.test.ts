import fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { encodeModel } from "./graph/encode.ts";
import { Graph } from "./graph/graph.ts";
import { toInt8 } from "./int8.ts";
import { quantiseColumns, quantiseRows } from "./quantise.ts";

const [rows, width, out] = [16, 128, 160];

/** Values between -1 and 1, the same for the same seed. */
function noise(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Two linear layers that read the same rows of a table, as queries and keys do. */
function twoLayers(): Graph {
  const graph = new Graph();
  const matrix = (name: string, dims: [number, number], seed: number) =>
    graph.initializer(name, { type: "float32", dims, data: noise(dims[0] * dims[1], seed) });
  matrix("table", [200, width], 1);
  matrix("small", [width, 4], 2);
  for (const [index, name] of ["a", "b"].entries()) {
    matrix(`${name}.weight`, [width, out], 3 + index);
    graph.initializer(`${name}.bias`, { type: "float32", dims: [out], data: noise(out, 5 + index) });
  }
  graph.input("ids", "int64", ["T"]);
  const x = graph.op("Gather", ["table", "ids"]);
  const layer = (name: string) =>
    graph.op("Add", [graph.op("MatMul", [x, `${name}.weight`]), `${name}.bias`], { name });
  layer("a");
  layer("b");
  graph.op("MatMul", [x, "small"], { name: "c" });
  return graph;
}

const outputs = ["a", "b", "c"].map((name) => ({ name }));
const ids = new Tensor(
  "int64",
  BigInt64Array.from({ length: rows }, (_, i) => BigInt(7 * i)),
  [rows],
);

async function run(model: Uint8Array, of: Tensor = ids): Promise<Record<string, Float32Array>> {
  const answers = await (await InferenceSession.create(model)).run({ ids: of });
  return Object.fromEntries(outputs.map(({ name }) => [name, answers[name]!.data as Float32Array]));
}

/** Of the only value that `twoLayers` quantises. */
const unit = new Map([["v0", { lowest: -1, highest: 1 }]]);
const isTable = (weight: string): boolean => weight === "table";

const relativeError = (exact: Float32Array, given: Float32Array): number =>
  Math.hypot(...exact.map((value, i) => value - given[i]!)) / Math.hypot(...exact);

describe("an int8 graph", () => {
  test.each([7, 8] as const)("gives nearly what its fp32 graph gives, with %d bits", async (bits) => {
    const graph = twoLayers();
    const exact = await run(encodeModel(graph, outputs));
    const given = await run(encodeModel(toInt8(graph, { ranges: unit, bits }), outputs));
    for (const { name } of outputs) {
      expect(relativeError(exact[name]!, given[name]!)).toBeLessThan(0.02);
      expect(relativeError(exact[name]!, given[name]!)).toBeGreaterThan(0);
    }
  });

  test("answers each row alike whatever the others are", async () => {
    const graph = twoLayers();
    const model = encodeModel(toInt8(graph, { ranges: unit }), outputs);
    const given = await run(model);
    const others = Array.from({ length: 5 }, (_, i) => BigInt(7 * i));
    const few = await run(model, new Tensor("int64", BigInt64Array.from(others), [others.length]));
    expect(few.a).toEqual(given.a!.slice(0, others.length * out));
  });

  test("takes what lies beyond a range as the range's end", async () => {
    const graph = twoLayers();
    const table = graph.initializers.get("table")!.data as Float32Array;
    table[7 * width] = 5;
    const clipped = await run(encodeModel(toInt8(graph, { ranges: unit, keep: isTable }), outputs));
    table[7 * width] = 1;
    const within = await run(encodeModel(toInt8(graph, { ranges: unit, keep: isTable }), outputs));
    expect(clipped.a).toEqual(within.a);
    expect(clipped.c).not.toEqual(within.c);
  });

  test("names a value whose range was not measured", () => {
    expect(() => toInt8(twoLayers(), { ranges: new Map() })).toThrow(/no range of v0/);
  });

  test("quantises what two products share once, and leaves small matrices alone", () => {
    const types = toInt8(twoLayers(), { ranges: unit }).nodes.map(({ opType }) => opType);
    expect(types.filter((type) => type === "QuantizeLinear")).toHaveLength(1);
    expect(types.filter((type) => type === "MatMulIntegerToFloat")).toHaveLength(2);
    expect(types.filter((type) => type === "MatMul")).toHaveLength(1);
    expect(types).not.toContain("Add");
  });

  test("keeps a matrix in fp32, and its bias, where it is told to", async () => {
    const graph = twoLayers();
    const kept = toInt8(graph, { ranges: unit, keep: (weight) => weight === "a.weight" || weight === "table" });
    const types = kept.nodes.map(({ opType }) => opType);
    expect(types.filter((type) => type === "MatMul")).toHaveLength(2);
    const exact = await run(encodeModel(graph, outputs));
    const given = await run(encodeModel(kept, outputs));
    expect(given.a).toEqual(exact.a);
    expect(given.b).not.toEqual(exact.b);
  });

  test("takes about a quarter of the bytes", () => {
    const graph = twoLayers();
    expect(encodeModel(toInt8(graph, { ranges: unit }), outputs).length).toBeLessThan(
      0.32 * encodeModel(graph, outputs).length,
    );
  });
});

describe("quantised values", () => {
  const matrix = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 12, maxLength: 12 });

  test("are within half a step of the exact ones, column by column and row by row", () => {
    fc.assert(
      fc.property(matrix, fc.constantFrom(7 as const, 8 as const), (list, bits) => {
        const data = Float32Array.from(list);
        const byColumn = quantiseColumns(data, 4, bits);
        const byRow = quantiseRows(data, 4);
        data.forEach((value, i) => {
          const column = byColumn.scales[i % 4]!;
          expect(Math.abs(byColumn.values[i]! * column - value)).toBeLessThanOrEqual(column * 0.501);
          expect(Math.abs(byColumn.values[i]!)).toBeLessThanOrEqual(bits === 7 ? 63 : 127);
          const row = byRow.scales[i >> 2]!;
          expect(Math.abs(byRow.values[i]! * row - value)).toBeLessThanOrEqual(row * 0.501);
        });
      }),
    );
  });
});
