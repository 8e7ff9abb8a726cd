import { type FileHandle, open } from "node:fs/promises";
import { Fault } from "../errors.ts";

/**
 * A file that is read and then gone on with, made where it is missing; with `readOnly` it is left as it is, and undefined where
 * it is not there. Throws OUTPUT_FAILED.
 */
export async function openToGoOn(file: string, readOnly: boolean): Promise<FileHandle | undefined> {
  try {
    return await open(file, readOnly ? "r" : "a+");
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    if (readOnly && cause.code === "ENOENT") return undefined;
    throw new Fault("OUTPUT_FAILED", { output: file, reason: cause.message }, { cause });
  }
}
