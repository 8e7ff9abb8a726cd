import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Fault } from "../errors.ts";
import { checkWritable } from "../writable-place.ts";

/** Looks whether a budget or answers can be kept in a file, without making it or a folder. Throws CHAT_STORE_FAILED. */
export function checkStore(file: string): void {
  checkWritable(file, (reason, cause) => refused(file, reason, cause));
  // The log beside it, which SQLite makes at each opening.
  if (existsSync(file) && !existsSync(`${file}-wal`))
    checkWritable(`${file}-wal`, (reason, cause) => refused(file, reason, cause));
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

/** The file behind links, also where it is not there yet. */
function real(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  const folder = dirname(file);
  return folder === file ? file : join(real(folder), basename(file));
}
