import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** The file behind links, also where it is not there yet; undefined for a device, which many may write. */
export async function realFile(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined) return found.isFile() ? realpath(path) : undefined;
  return join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path));
}
