import { rmSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

const AGAIN_MS = 20;

/** Locks that this process holds. To open and close one of these files would give up its lock: the system knows processes alone. */
const held = new Set<string>();

/** The lock was not free in time. */
export class FileLocked extends Error {
  constructor(path: string, waitMs: number) {
    super(`another process has held ${path} for ${waitMs} ms`);
  }
}

/** Gives up a lock that is held. */
export type Unlock = () => void;

/**
 * Waits until no other process, and nobody else in this one, holds the lock of this file, and holds it then. SQLite locks
 * `FILE.lock` by the means of the system, so that a process that is killed leaves none. Throws FileLocked where the
 * lock is not free within `waitMs`, and what the system says where there can be none.
 */
export async function lockFile(file: string, waitMs: number): Promise<Unlock> {
  const path = `${file}.lock`;
  const until = performance.now() + waitMs;
  for (;;) {
    const lock = await tryLock(path);
    if (lock !== undefined) return lock;
    if (performance.now() > until) throw new FileLocked(path, waitMs);
    await sleep(AGAIN_MS);
  }
}

/** Works while the lock of the file is held, as `lockFile` does. */
export async function withFileLock<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const unlock = await lockFile(file, waitMs);
  try {
    return await work();
  } finally {
    unlock();
  }
}

let last: Promise<unknown> = Promise.resolve();

/** One try after another: each opens and closes the file. */
function tryLock(path: string): Promise<Unlock | undefined> {
  const mine = last.then(() => tryNow(path));
  last = mine.catch(() => {});
  return mine;
}

/** The lock, or undefined where another has it, or has just given it up and taken the file away. */
async function tryNow(path: string): Promise<Unlock | undefined> {
  const there = await inode(path);
  if (there !== undefined && held.has(there)) return undefined;
  await writeFile(path, "", { flag: "a" });
  const before = await inode(path);
  const db = new DatabaseSync(path, { timeout: 0, open: false });
  try {
    db.open();
    db.exec("BEGIN EXCLUSIVE");
    if (before !== undefined && !held.has(before) && (await inode(path)) === before) {
      held.add(before);
      return () => {
        rmSync(path, { force: true }); // while it is held: who waits for it sees that it is gone
        db.close();
        held.delete(before);
      };
    }
  } catch (error) {
    // The file may have been taken away between two looks at it: SQLite has several words for that.
    const gone = before === undefined || (await inode(path)) !== before;
    if (!gone && !isBusy(error)) {
      if (db.isOpen) db.close();
      throw error;
    }
  }
  if (db.isOpen) db.close();
  return undefined;
}

/** Names the file on this machine, whatever leads to it. */
const inode = (path: string): Promise<string | undefined> =>
  stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  );

const isBusy = (error: unknown): boolean => /locked|busy/i.test((error as Error).message);
