import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Fault } from "starling-ner";

/** Looks whether a file can be written at `path`, without making it or a folder. Throws OUTPUT_FAILED. */
export async function checkPlace(path: string): Promise<void> {
  const refused = (reason: string, cause?: Error) => new Fault("OUTPUT_FAILED", { output: path, reason }, { cause });
  const { place, folder } = await nearest(path);
  if (place === path && folder) throw refused("it is a folder, not a file");
  if (place !== path && !folder) throw refused(`${place} is no folder`);
  const needed = folder ? constants.W_OK | constants.X_OK : constants.W_OK;
  await access(place, needed).catch((cause: Error) => {
    throw refused(place === path ? "it may not be written" : `${place} may not be written`, cause);
  });
}

/** What is there: the file itself, or the first of the folders above it. */
async function nearest(path: string): Promise<{ readonly place: string; readonly folder: boolean }> {
  try {
    return { place: path, folder: (await stat(path)).isDirectory() };
  } catch (thrown) {
    const cause = thrown as NodeJS.ErrnoException;
    const above = dirname(path);
    // What may not be looked into is told by its own folder's rights, further up.
    if (above !== path && ["ENOENT", "ENOTDIR", "EACCES"].includes(cause.code ?? "")) return nearest(above);
    throw new Fault("OUTPUT_FAILED", { output: path, reason: cause.message }, { cause });
  }
}
