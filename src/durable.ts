import { randomUUID } from "node:crypto";
import { open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "./make-folder.ts";

/**
 * Writes a file whole or not at all: beside it first, flushed to the disk, then renamed over the old one. Of several
 * processes that write it at once, the last one's stays.
 */
export async function writeDurably(path: string, contents: string | Uint8Array): Promise<void> {
  const beside = `${path}.${randomUUID()}.partial`;
  try {
    const file = await open(beside, "w");
    try {
      await file.writeFile(contents);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/**
 * Makes a folder whole or not at all: `fill` writes into one beside it, whose files are flushed before it takes the
 * name. What stood there before is replaced last, and stays when anything fails.
 */
export async function folderDurably(path: string, fill: (into: string) => Promise<void>): Promise<void> {
  const [beside, old] = [`${path}.partial`, `${path}.old`];
  await rm(beside, { recursive: true, force: true });
  makeFolder(beside);
  try {
    await fill(beside);
    await flushTree(beside);
    await rm(old, { recursive: true, force: true });
    await rename(path, old).catch(unlessMissing);
    await rename(beside, path);
    await flush(dirname(path));
    await rm(old, { recursive: true, force: true });
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
}

const unlessMissing = (error: NodeJS.ErrnoException): void => {
  if (error.code !== "ENOENT") throw error;
};

/** Flushes every file and folder below `folder`, and itself. */
async function flushTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    await (entry.isDirectory() ? flushTree(path) : flush(path));
  }
  await flush(folder);
}

/** A folder is flushed where the system allows to open one (not on Windows). */
async function flush(path: string): Promise<void> {
  const handle = await open(path, "r").catch(() => undefined);
  try {
    await handle?.sync().catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOSPC" || error.code === "EIO") throw error;
    });
  } finally {
    await handle?.close();
  }
}
