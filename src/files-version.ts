import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** What a stage's `version` may be where files decide what it says: twelve hexadecimal digits over their content. */
export async function filesVersion(files: readonly string[]): Promise<string> {
  const digest = createHash("sha256");
  for (const file of files) {
    const bytes = await readFile(file);
    digest.update(`${bytes.length}\n`).update(bytes);
  }
  return digest.digest("hex").slice(0, 12);
}
