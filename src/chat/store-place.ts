import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Fault } from "../errors.ts";

/** Looks whether a budget or answers can be kept in a file, without making it or a folder. Throws CHAT_STORE_FAILED. */
export function checkStore(file: string): void {
  const { place, folder } = nearest(file);
  if (place === file && folder) throw refused(file, "it is a folder, not a file");
  if (place !== file && !folder) throw refused(file, `${place} is no folder`);
  const needed = folder ? constants.W_OK | constants.X_OK : constants.W_OK;
  may(place, needed, file);
  // The log beside it, which SQLite makes at each opening.
  if (place === file && !existsSync(`${file}-wal`)) may(dirname(file), constants.W_OK | constants.X_OK, file);
}

/**
 * Answers are kept without waiting for the disk, so that a crash of the machine may break their file: what was spent must
 * stand in another one. Throws CHAT_STORE_FAILED where both are one, by whatever name.
 */
export function checkApart(budget: string | undefined, answers: string | undefined): void {
  if (budget === undefined || answers === undefined || budget === ":memory:") return;
  if (real(budget) === real(answers))
    throw refused(budget, "budget and cache name the same file, and a crash may break that of a cache; name two");
}

const refused = (file: string, reason: string, cause?: unknown): Fault =>
  new Fault("CHAT_STORE_FAILED", { file, reason }, { cause });

function may(place: string, needed: number, file: string): void {
  try {
    accessSync(place, needed);
  } catch (cause) {
    throw refused(file, place === file ? "it may not be written" : `${place} may not be written`, cause);
  }
}

/** What is there: the file itself, or the first of the folders above it. */
function nearest(path: string, file = path): { readonly place: string; readonly folder: boolean } {
  try {
    return { place: path, folder: statSync(path).isDirectory() };
  } catch (thrown) {
    const cause = thrown as NodeJS.ErrnoException;
    const above = dirname(path);
    if (above !== path && ["ENOENT", "ENOTDIR", "EACCES"].includes(cause.code ?? "")) return nearest(above, file);
    throw refused(file, cause.message, cause);
  }
}

/** The file behind links, also where it is not there yet. */
function real(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  const folder = dirname(file);
  return folder === file ? file : join(real(folder), basename(file));
}
