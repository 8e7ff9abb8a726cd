import { hash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Fault } from "../errors.ts";
import { FileLocked, lockFile, type Unlock } from "../file-lock.ts";
import { makeFolder } from "../make-folder.ts";
import { realFile } from "../real-file.ts";
import type { Names } from "./numbers.ts";
import { LAYOUT, makeTables } from "./store-tables.ts";

export interface Limits {
  /** Events that are kept for labels to come, at most; the oldest go first. */
  readonly events: number;
  /** Labels that were joined, at most; the oldest go first. */
  readonly labels: number;
  /** Labels of posts that were not seen, at most, and how long they wait, in milliseconds. */
  readonly waiting: number;
  readonly waitingMs: number;
}

/** An open store: one file, one process. Whatever fails on it is a fault: DRIFT_STORE_FULL, DRIFT_STORE_FAILED. */
export interface Store {
  readonly path: string;
  readonly limits: Limits;
  readonly names: Names;
  /** Runs a statement that was prepared once. */
  get<T>(sql: string, ...values: readonly Value[]): T | undefined;
  all<T>(sql: string, ...values: readonly Value[]): T[];
  run(sql: string, ...values: readonly Value[]): number;
  /** All of `work` is kept, or nothing of it. */
  transaction<T>(work: () => T): T;
  close(): void;
}

export type Value = number | bigint | string | null;

/** 64 bits of SHA-256. */
export const hashOf = (text: string): bigint => hash("sha256", text, "buffer").readBigInt64LE();

export interface StoreOptions extends Limits {
  /** For a report beside the process that writes. `:memory:` as path keeps nothing. */
  readonly readOnly?: boolean;
  /** Pages of 4096 bytes, at most: for tests of a full disk. */
  readonly maxPages?: number;
}

/** How long another process may take to end, in milliseconds. */
const LOCK_MS = 2000;

/** Two that write one store would count everything twice, or leave out what the other has read. Throws DRIFT_STORE where another has it. */
export async function lockStore(path: string): Promise<Unlock> {
  if (path === ":memory:") return () => {};
  try {
    makeFolder(dirname(path));
    return await lockFile((await realFile(path)) ?? path, LOCK_MS);
  } catch (cause) {
    const busy = cause instanceof FileLocked;
    const reason = busy ? "another starling drift has it open, so wait until that has ended" : (cause as Error).message;
    throw new Fault("DRIFT_STORE", { path, reason }, { cause });
  }
}

/** Opens a store, or begins one and makes its folder. Throws DRIFT_STORE where the file cannot be used, or is not there to be read. */
export function openStore(path: string, { readOnly = false, maxPages, ...limits }: StoreOptions): Store {
  if (readOnly && !existsSync(path))
    throw new Fault("DRIFT_STORE", { path, reason: "it is not there, so starling drift has not run here yet" });
  const opening = guard("DRIFT_STORE", path);
  const guarded = guard("DRIFT_STORE_FAILED", path);
  if (!readOnly && path !== ":memory:") opening(() => makeFolder(dirname(path)));
  const db = opening(() => new DatabaseSync(path, { readOnly, timeout: 5000 }));
  const layout = opening(() => (readOnly ? layoutOf(db) : makeTables(db)));
  if (layout !== LAYOUT) {
    db.close();
    throw new Fault("DRIFT_STORE", { path, reason: `its layout is ${layout} and this version keeps ${LAYOUT}` });
  }
  if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${maxPages}`);
  const statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  const prepared = (sql: string) => {
    const known = statements.get(sql) ?? db.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const get = <T>(sql: string, ...values: readonly Value[]) =>
    guarded(() => prepared(sql).get(...values) as T | undefined);
  const run = (sql: string, ...values: readonly Value[]) => guarded(() => Number(prepared(sql).run(...values).changes));
  const names = namesIn({ get, run });
  return {
    path,
    limits,
    names,
    get,
    run,
    all: <T>(sql: string, ...values: readonly Value[]) => guarded(() => prepared(sql).all(...values) as T[]),
    transaction(work) {
      guarded(() => db.exec("BEGIN IMMEDIATE"));
      try {
        const made = work();
        guarded(() => db.exec("COMMIT"));
        return made;
      } catch (error) {
        names.forget();
        // A full disk has undone it already.
        if (db.isTransaction) guarded(() => db.exec("ROLLBACK"));
        throw error;
      }
    },
    close: () => db.isOpen && db.close(),
  };
}

const layoutOf = (db: DatabaseSync) =>
  (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;

const FULL = 13;

const guard =
  (code: "DRIFT_STORE" | "DRIFT_STORE_FAILED", path: string) =>
  <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw storeFault(code, path, error);
    }
  };

function storeFault(code: "DRIFT_STORE" | "DRIFT_STORE_FAILED", path: string, error: unknown): Error {
  const { errcode, syscall, message } = error as { errcode?: number; syscall?: string; message?: string };
  // The system's own are of the folder.
  if (errcode === undefined && syscall === undefined) return error as Error;
  if (((errcode ?? 0) & 0xff) === FULL) return new Fault("DRIFT_STORE_FULL", { path }, { cause: error });
  return new Fault(code, { path, reason: message ?? "unknown" }, { cause: error });
}

/** Names that are told apart; any further one, as a label may hold at will, is "other". */
const MOST_NAMES = 4096;

/** Names by number, read once and kept. `forget` is for a transaction that was undone: its numbers mean nothing. */
function namesIn({ get, run }: Pick<Store, "get" | "run">): Names & { forget(): void } {
  const ids = new Map<string, number>();
  const names = new Map<number, string>();
  const keep = (id: number, name: string) => {
    ids.set(name, id);
    names.set(id, name);
  };
  const nameOf = (id: number): string => {
    if (!names.has(id)) keep(id, get<{ name: string }>("SELECT name FROM names WHERE id = ?", id)?.name ?? "other");
    return names.get(id)!;
  };
  const idOf = (name: string): number => {
    const known = ids.get(name) ?? get<{ id: number }>("SELECT id FROM names WHERE name = ?", name)?.id;
    if (known !== undefined) {
      keep(known, name);
      return known;
    }
    const { count } = get<{ count: number }>("SELECT count(*) AS count FROM names")!;
    if (count >= MOST_NAMES && name !== "other") return idOf("other");
    run("INSERT INTO names(name) VALUES (?)", name);
    return idOf(name);
  };
  const forget = () => {
    ids.clear();
    names.clear();
  };
  return { nameOf, idOf, forget };
}
