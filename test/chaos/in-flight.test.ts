import { expect, test } from "vitest";
import type { GroupRecord } from "./commits.ts";
import { inFlightPerCrash } from "./in-flight.ts";
import type { Seen } from "./verdict.ts";

const written = (offset: number, atMs: number): Seen => {
  const place = `posts/0:${offset}`;
  return { place, identity: `${place}:v 0`, final: true, content: "[]", atMs };
};
const commit = (offset: bigint, atMs: number): GroupRecord => {
  return { kind: "commit", atMs, group: "g", partition: "posts/0", offset, metadata: "m" };
};
const rebalance = (atMs: number): GroupRecord => {
  return { kind: "members", atMs, group: "g", generation: 1, members: new Map() };
};

test("what was written and not committed when a worker was killed was in flight, and what it may have held", () => {
  const all = [0, 1, 2, 3, 4].map((offset) => written(offset, 10 * offset));
  const records = [commit(2n, 25), commit(4n, 36)];
  expect(inFlightPerCrash({ records, group: "g", written: all, crashes: [35, 100], held: 8 })).toEqual([2 + 8, 1 + 8]);
});

test("a rebalance counts to the crash before it, and a second copy counts for nothing", () => {
  const all = [written(0, 5), written(1, 6), written(0, 50), written(2, 55)];
  const records = [rebalance(1), rebalance(60)];
  expect(inFlightPerCrash({ records, group: "g", written: all, crashes: [40], held: 8 })).toEqual([2 + 8 + 3 + 8]);
});
