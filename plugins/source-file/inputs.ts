import { constants, createReadStream } from "node:fs";
import { access, open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { addAbortSignal, type Readable } from "node:stream";
import { Fault } from "starling-ner";
import { unpacked } from "./unpacked.ts";

/** One stream of lines, and where the images that its posts name lie. */
export interface Input {
  readonly lane: string;
  /** Absent for standard input. */
  readonly file?: string;
  readonly folder: string;
  /** Ends, without an error, when `signal` aborts. */
  bytes(signal: AbortSignal): AsyncIterable<Buffer>;
}

const CHUNK_BYTES = 131_072;
const lineFile = /\.(ndjson|jsonl)(\.gz)?$/;

/** The inputs a path stands for: standard input, a file, or the line files of a folder in the order of their names. */
export async function findInputs(path: string): Promise<readonly Input[]> {
  if (path === "-") return [standardInput()];
  const kind = await reachable(path, () => stat(path));
  if (!kind.isDirectory()) return [await fileInput(path)];
  const names = (await reachable(path, () => readdir(path))).filter((name) => lineFile.test(name)).sort();
  if (names.length === 0) throw new Fault("INPUT_EMPTY", { input: path });
  return Promise.all(names.map((name) => fileInput(join(path, name))));
}

const standardInput = (): Input => ({
  lane: "stdin",
  folder: process.cwd(),
  bytes: (signal) => unpacked(untilAborted(process.stdin, signal)),
});

async function fileInput(path: string): Promise<Input> {
  await reachable(path, () => access(path, constants.R_OK));
  if (path.endsWith(".json")) await refuseArray(path);
  return {
    lane: basename(path),
    file: path,
    folder: dirname(path),
    bytes: (signal) => unpacked(untilAborted(createReadStream(path, { highWaterMark: CHUNK_BYTES }), signal)),
  };
}

async function refuseArray(path: string): Promise<void> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
  if (/^\ufeff?\s*\[/.test(buffer.toString("utf8", 0, bytesRead))) throw new Fault("INPUT_NOT_LINES", { input: path });
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "there is no such file or folder",
  EACCES: "it may not be read",
};

export async function reachable<T>(input: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    throw new Fault("INPUT_MISSING", { input, reason: reasons[code] ?? message }, { cause });
  }
}

async function* untilAborted(stream: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  addAbortSignal(signal, stream);
  try {
    yield* stream;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
