import { readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** Links that lead to one another, at most, as Linux has it. */
const MAX_LINKS = 40;

/** The file behind links, also where it is not there yet; undefined for a device, which many may write. */
export async function realFile(path: string, links = MAX_LINKS): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined) return found.isFile() ? realpath(path) : undefined;
  const folder = await realpath(dirname(path)).catch(() => dirname(path));
  const target = await readlink(path).catch(() => undefined);
  if (target !== undefined && links > 0) return realFile(resolve(folder, target), links - 1);
  return join(folder, basename(path));
}
