import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Fault } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";

/** How long a statement waits for another process that writes the same file, in milliseconds. */
const BUSY_MS = 5000;

export interface StoreOptions {
  readonly file: string;
  /** Statements that make the tables where they are missing. */
  readonly tables: string;
  /**
   * Whether what is committed must outlive a crash of the machine, but for the last moments; if not, nothing ever waits
   * for the disk, and such a crash may break the file. A crash of the process harms neither.
   */
  readonly durable: boolean;
}

/** Opens a file of `node:sqlite` that several processes may share, made where it is missing. Throws CHAT_STORE_FAILED. */
export function openStore({ file, tables, durable }: StoreOptions): DatabaseSync {
  return whileUsing(file, () => {
    makeFolder(dirname(file));
    const db = new DatabaseSync(file, { timeout: BUSY_MS });
    try {
      // A write-ahead log lets readers and one writer work side by side. It is taken into the file, which waits for
      // the disk, only every 4,000 pages.
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 4000`);
      db.exec(`PRAGMA synchronous = ${durable ? "NORMAL" : "OFF"}`);
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
