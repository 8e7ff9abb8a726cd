import { type FileHandle, open } from "node:fs/promises";
import { Fault } from "../errors.ts";

/** A line is read as one text; far more than any answer has. */
const MAX_LINE_BYTES = 64 * 2 ** 20;
const CHUNK_BYTES = 2 ** 20;
const NEWLINE = 10;

/**
 * A file that is read and then gone on with, made where it is missing; with `readOnly` it is left as it is, and undefined where
 * it is not there. Throws OUTPUT_FAILED, also where it is a folder or a device.
 */
export async function openToGoOn(file: string, readOnly: boolean): Promise<FileHandle | undefined> {
  const failed = (reason: string, cause?: Error) => new Fault("OUTPUT_FAILED", { output: file, reason }, { cause });
  let handle: FileHandle;
  try {
    handle = await open(file, readOnly ? "r" : "a+");
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    if (readOnly && cause.code === "ENOENT") return undefined;
    throw failed(cause.message, cause);
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw failed("it is no file that can be gone on with");
}

/** How a file ends. */
export interface End {
  /** Where what was read ends, in bytes. */
  readonly endsAt: number;
  readonly size: number;
  /** Its last line is whole but for its end. */
  readonly open: boolean;
}

/**
 * Reads the lines of a file one after the other, however large it is; `number` counts from 1. A last line that a crash left half written
 * is not read. Throws DATA_MALFORMED where a line is longer than any could be, or the last one was never begun by us.
 */
export async function readLines(
  handle: FileHandle,
  file: string,
  read: (line: string, number: number) => void,
): Promise<End> {
  const malformed = (line: number, cause: string) =>
    new Fault("DATA_MALFORMED", { file, line, cause, fix: "name a file that an earlier run wrote, or a new one" });
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let begun: Buffer[] = [];
  let [begunBytes, endsAt, size, number] = [0, 0, 0, 0];
  for (let bytesRead = -1; bytesRead !== 0; size += bytesRead) {
    ({ bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, size));
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0 && end < bytesRead; end = chunk.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...begun, chunk.subarray(from, end)]).toString("utf8");
      [begun, begunBytes, from, endsAt] = [[], 0, end + 1, size + end + 1];
      read(line, ++number);
    }
    begun.push(Buffer.from(chunk.subarray(from, bytesRead)));
    begunBytes += bytesRead - from;
    if (begunBytes > MAX_LINE_BYTES) throw malformed(number + 1, `has more than ${MAX_LINE_BYTES} bytes`);
  }
  const rest = Buffer.concat(begun).toString("utf8");
  if (rest.trim() === "" || !isJson(rest)) {
    if (!/^[\s\0]*(\{|$)/.test(rest)) throw malformed(number + 1, "not JSON, nor the beginning of it");
    return { endsAt, size, open: false };
  }
  read(rest, number + 1);
  return { endsAt: size, size, open: true };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Makes the file end with a whole line: takes off what a crash left half written. */
export async function endWhole(handle: FileHandle, { endsAt, size, open }: End): Promise<void> {
  if (endsAt < size) await handle.truncate(endsAt);
  if (open) await handle.appendFile("\n");
}
