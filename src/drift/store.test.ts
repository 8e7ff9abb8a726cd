import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { newestEvents } from "./emitted.ts";
import { event, freshPath, limits, watched } from "./made.test-help.ts";
import { openStore } from "./store.ts";

test("a full disk is a fault; nothing of its batch is kept, and how far was read stays where it was", () => {
  const path = freshPath();
  const store = openStore(path, { ...limits, maxPages: 60 });
  const at = watched({ store });
  const batch = (from: number) => ({
    kind: "event" as const,
    records: Array.from({ length: 100 }, (_, i) => at.record(event({ key: `k${from + i}` }))),
    place: { name: "entities/0", next: from + 100 },
  });
  let taken = 0;
  const fill = () => {
    for (; taken < 1e5; taken += 100) at.watch.take(batch(taken));
  };
  expect(fill).toThrow(expect.objectContaining({ code: "DRIFT_STORE_FULL", details: { path }, retry: true }));
  expect(taken).toBeGreaterThan(0);
  expect([at.watch.placeOf("entities/0"), newestEvents(store, 1e5).length]).toEqual([taken, taken]);
  expect(at.watch.counts.events).toEqual({ kept: taken });
  store.close();
  // With room again, what was not kept is taken once more.
  const again = watched({ store: openStore(path, limits) });
  again.watch.take(batch(taken));
  expect(again.watch.counts.events).toEqual({ kept: 100 });
  expect(newestEvents(again.store, 1).map(({ entities }) => entities.map(({ type }) => type))).toEqual([
    ["PER", "LOC"],
  ]);
  again.store.close();
});

test("a batch with something wrong inside leaves no name behind that means another later", () => {
  const at = watched();
  const broken = () =>
    at.store.transaction(() => {
      at.store.names.idOf("FIRST");
      throw new Error("in the middle");
    });
  expect(broken).toThrow("in the middle");
  const second = at.store.names.idOf("SECOND");
  expect([at.store.names.nameOf(second), at.store.names.idOf("FIRST") === second]).toEqual(["SECOND", false]);
});

test("names without end become other", () => {
  const { store } = watched();
  store.transaction(() => {
    for (let i = 0; i < 5000; i++) store.names.idOf(`TYPE-${i}`);
  });
  expect([store.names.nameOf(store.names.idOf("TYPE-0")), store.names.nameOf(store.names.idOf("TYPE-4999"))]).toEqual([
    "TYPE-0",
    "other",
  ]);
});

test.each([
  ["no database", (path: string) => writeFileSync(path, "x".repeat(5000))],
  [
    "of another version",
    (path: string) => {
      const db = new DatabaseSync(path);
      db.exec("PRAGMA user_version = 99");
      db.close();
    },
  ],
])("a file that is %s is refused", (_, make) => {
  const path = freshPath();
  make(path);
  expect(() => openStore(path, limits)).toThrow(expect.objectContaining({ code: "DRIFT_STORE" }));
});

const storeFaultAt = (path: string) =>
  expect.objectContaining({ code: "DRIFT_STORE", message: expect.stringContaining(path) });

test("a report of a store that is not there is told, and makes none; its writer makes the folders", () => {
  const path = freshPath("missing/too/drift.sqlite");
  expect(() => openStore(path, { ...limits, readOnly: true })).toThrow(storeFaultAt(path));
  expect(existsSync(dirname(path))).toBe(false);
  openStore(path, limits).close();
  expect(existsSync(path)).toBe(true);
});

test("a folder that cannot be made is told", () => {
  const file = freshPath("file");
  writeFileSync(file, "");
  const path = join(file, "drift.sqlite");
  expect(() => openStore(path, limits)).toThrow(storeFaultAt(path));
});

test("a report reads the store while it is written to", () => {
  const path = freshPath();
  const writer = watched({ store: openStore(path, limits) });
  writer.events(event());
  const reader = openStore(path, { ...limits, readOnly: true });
  expect(newestEvents(reader, 9)).toHaveLength(1);
  writer.events(event({ key: "another" }));
  expect(newestEvents(reader, 9)).toHaveLength(2);
  reader.close();
  writer.store.close();
});
