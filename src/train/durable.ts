import { open, rename } from "node:fs/promises";

/** Writes a file whole or not at all: beside it first, flushed to the disk, then renamed over the old one. */
export async function writeDurably(path: string, contents: string | Uint8Array): Promise<void> {
  const beside = `${path}.partial`;
  const file = await open(beside, "w");
  try {
    await file.writeFile(contents);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}
