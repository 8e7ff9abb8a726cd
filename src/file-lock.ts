import { rm, stat, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

const AGAIN_MS = 20;

/**
 * Works while no other process, and nobody else in this one, works on the same file under this lock. SQLite locks
 * `FILE.lock` by the means of the system, so that a process that is killed leaves none. Throws an error that says
 * so where the lock is not free within `waitMs`.
 */
export async function withFileLock<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const path = `${file}.lock`;
  const until = performance.now() + waitMs;
  for (;;) {
    const lock = await tryLock(path);
    if (lock !== undefined)
      try {
        return await work();
      } finally {
        await rm(path, { force: true }); // while it is held: who waits for it sees that it is gone
        lock.close();
      }
    if (performance.now() > until) throw new Error(`another process has held ${path} for ${waitMs} ms`);
    await sleep(AGAIN_MS);
  }
}

/** The lock, or undefined where another has it, or has just given it up and taken the file away. */
async function tryLock(path: string): Promise<DatabaseSync | undefined> {
  await writeFile(path, "", { flag: "a" });
  const before = await inode(path);
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
    if (before !== undefined && (await inode(path)) === before) return db;
  } catch (error) {
    if (!isBusy(error)) {
      db.close();
      throw error;
    }
  }
  db.close();
  return undefined;
}

const inode = (path: string): Promise<bigint | undefined> =>
  stat(path, { bigint: true }).then(
    ({ ino }) => ino,
    () => undefined,
  );

/** Also where the file was taken away between two looks at it. */
const isBusy = (error: unknown): boolean => /locked|busy|unable to open|disk I\/O/i.test((error as Error).message);
