import { constants } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { Fault } from "../errors.ts";
import type { CheckHost, Refusal as Refused } from "../plugin.ts";
import { tooManyBytes } from "./collect.ts";
import { Refusal } from "./refusal.ts";

/**
 * The bytes of a file inside one of `folders`; relative paths start at the first. Links are followed first and may not
 * lead out. Throws a Refusal.
 */
export async function readInside(folders: readonly string[], path: string, maxBytes: number): Promise<Uint8Array> {
  const real = await realInside(folders, path);
  if (real === undefined) throw new Refusal("image_refused", "its path leads to none of images.folders");
  try {
    return await readPlain(real, maxBytes);
  } catch (error) {
    throw error instanceof Refusal ? error : unreadable(error);
  }
}

/** The file behind a path, links followed, where it lies in one of `folders`. Throws a Refusal where there is none. */
async function realInside(folders: readonly string[], path: string): Promise<string | undefined> {
  const [first] = folders;
  if (first === undefined || path.includes("\0")) return undefined;
  const wanted = resolve(first, path);
  // Before the disk is asked: whether a file elsewhere exists is nobody's business.
  if (!folders.some((folder) => isInside(resolve(folder), wanted))) return undefined;
  try {
    const real = await realpath(wanted);
    const roots = await Promise.all(folders.map((folder) => realpath(folder).catch(() => undefined)));
    return roots.some((root) => root !== undefined && isInside(root, real)) ? real : undefined;
  } catch (error) {
    throw unreadable(error);
  }
}

const isInside = (folder: string, path: string): boolean =>
  path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

async function readPlain(path: string, maxBytes: number): Promise<Uint8Array> {
  // A pipe would keep an open waiting, a link may have come since.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  const stat = await file.stat();
  if (!stat.isFile()) throw new Refusal("image_refused", "its path is no plain file");
  if (stat.size > maxBytes) throw tooManyBytes(maxBytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(stat.size), 0, stat.size, 0);
  return buffer.subarray(0, bytesRead);
}

const unreadable = (error: unknown): Refusal =>
  new Refusal("image_unreadable", `its file cannot be read (${String((error as NodeJS.ErrnoException).code)})`);

/** For a plugin's `check`: the folders that `option` names, and are not there. */
export async function checkFolders(
  folders: readonly string[],
  option: Refused["option"],
  host: Pick<CheckHost, "resolve">,
): Promise<readonly Refused[]> {
  const found = await Promise.all(
    folders.map(async (folder, i): Promise<readonly Refused[]> => {
      const input = host.resolve(folder);
      const reason = await stat(input).then(
        (there) => (there.isDirectory() ? undefined : "it is no folder"),
        (error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? "it does not exist" : error.message),
      );
      return reason === undefined
        ? []
        : [{ option: [...option, i], error: new Fault("INPUT_MISSING", { input, reason }) }];
    }),
  );
  return found.flat();
}
