import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";

/** Makes the fault of a place that will not do. */
export type Refuse = (reason: string, cause?: unknown) => Error;

/** Looks whether a file can be written at `path`, its folder made where it is missing, without making either. Throws what `refuse` makes. */
export function checkWritable(path: string, refuse: Refuse): void {
  const { place, folder } = nearest(path, refuse);
  if (place === path && folder) throw refuse("it is a folder, not a file");
  if (place !== path && !folder) throw refuse(`${place} is no folder`);
  try {
    accessSync(place, folder ? constants.W_OK | constants.X_OK : constants.W_OK);
  } catch (cause) {
    throw refuse(place === path ? "it may not be written" : `${place} may not be written`, cause);
  }
}

/** What is there: the file itself, or the first of the folders above it. */
function nearest(path: string, refuse: Refuse): { readonly place: string; readonly folder: boolean } {
  try {
    return { place: path, folder: statSync(path).isDirectory() };
  } catch (thrown) {
    const cause = thrown as NodeJS.ErrnoException;
    const above = dirname(path);
    // What may not be looked into is told by its own folder's rights, further up.
    if (above !== path && ["ENOENT", "ENOTDIR", "EACCES"].includes(cause.code ?? "")) return nearest(above, refuse);
    throw refuse(cause.message, cause);
  }
}
