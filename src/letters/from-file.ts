import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { Fault } from "../errors.ts";
import { type Found, parseLetter } from "./letter.ts";

/** The dead letters of a file: one a line, plain or gzip. Throws INPUT_MISSING where it cannot be read. */
export async function* lettersOfFile(path: string, signal: AbortSignal): AsyncGenerator<Found> {
  const name = basename(path);
  let number = 0;
  for await (const line of linesOf(path)) {
    if (signal.aborted) return;
    number++;
    if (line.trim() === "") continue;
    const letter = parseLetter(line);
    yield { at: `${name}:${number}`, ...(letter && { letter }) };
  }
}

/** Lines of a file that may be packed. Throws INPUT_MISSING or INPUT_CORRUPT. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  const packed = await isPacked(path);
  const file = createReadStream(path);
  const input = packed ? file.pipe(createGunzip()) : file;
  // `pipe` does not pass errors on.
  file.on("error", (error) => input.destroy(error));
  let line = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      yield text;
    }
  } catch (cause) {
    throw new Fault("INPUT_CORRUPT", { input: path, line, reason: (cause as Error).message }, { cause });
  } finally {
    file.destroy();
  }
}

/** Throws INPUT_MISSING where `linesOf` would. */
export const readable = async (path: string): Promise<void> => void (await isPacked(path));

async function isPacked(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.readUInt16BE(0) === 0x1f8b;
  } catch (cause) {
    throw new Fault("INPUT_MISSING", { input: path, reason: (cause as Error).message }, { cause });
  }
}
