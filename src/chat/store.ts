import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Fault } from "../errors.ts";

/** How long a statement waits for another process that writes the same file, in milliseconds. */
const BUSY_MS = 5000;

/** Opens a file of `node:sqlite` that several processes may share, made where it is missing. Throws CHAT_STORE_FAILED. */
export function openStore(file: string, tables: string): DatabaseSync {
  return whileUsing(file, () => {
    mkdirSync(dirname(file), { recursive: true });
    const db = new DatabaseSync(file, { timeout: BUSY_MS });
    try {
      // A write-ahead log lets readers and one writer work side by side. What is committed outlives a crash of the
      // process; of a crash of the machine, all but the last moments.
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
      db.exec(tables);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

export function whileUsing<T>(file: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw new Fault("CHAT_STORE_FAILED", { file, reason: (cause as Error).message }, { cause });
  }
}
