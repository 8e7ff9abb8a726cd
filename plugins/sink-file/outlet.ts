import { appendFileSync, fstatSync } from "node:fs";
import { type FileHandle, open, stat, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { dirname } from "node:path";
import type { Writable } from "node:stream";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Fault, makeFolder } from "starling-ner";
import { isOnLocalDisk } from "./local-disk.ts";
import { checkPlace } from "./place.ts";

/** Somewhere bytes go. `write` resolves once the operating system has them; until then they must not change. */
export interface Outlet {
  write(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

export interface FileRules {
  readonly path: string;
  /** Wait until the disk has it, after every batch. */
  readonly fsync: boolean;
  /** Continue an existing file instead of beginning it anew. */
  readonly append: boolean;
}

interface OpenFile {
  readonly file: FileHandle;
  /**
   * Whether a write only copies into memory. Then it is made in place: on a machine whose processors are busy, handing it to
   * another thread and back costs ten times as much.
   */
  readonly atOnce: boolean;
}

const packed = promisify(gzip);

/**
 * A file that comes into being with its first record; one that is there is emptied at once, unless it is continued:
 * what a former run wrote must not pass for this one's. Where the name ends in `.gz`, every batch is a gzip member of
 * its own: an unfinished file keeps all that was acknowledged. Throws OUTPUT_FAILED where the path cannot be written.
 */
export async function fileOutlet({ path, fsync, append }: FileRules): Promise<Outlet> {
  const pack = async (bytes: Buffer) => (path.endsWith(".gz") ? packed(bytes) : bytes);
  await checkPlace(path);
  if (!append && (await isFile(path))) await explained(path, async () => writeFile(path, await pack(Buffer.alloc(0))));
  let opening: Promise<OpenFile> | undefined;
  const start = async () => {
    makeFolder(dirname(path));
    const file = await open(path, append ? "a" : "w");
    return { file, atOnce: (await file.stat()).isFile() && (await isOnLocalDisk(dirname(path))) };
  };
  return {
    write: (bytes) =>
      explained(path, async () => {
        opening ??= start();
        const { file, atOnce } = await opening;
        const some = await pack(bytes);
        if (atOnce) appendFileSync(file.fd, some);
        else await file.appendFile(some);
        if (fsync) await file.datasync();
      }),
    async close() {
      // Where opening failed, `write` has said so.
      await (await opening?.catch(() => undefined))?.file.close();
    },
  };
}

/** Not a device, such as /dev/null. */
const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

let standard: Writable | undefined;

/** Standard output. A pipe is written without blocking the loop: a slow reader must not make signals wait. */
export function standardOutlet(): Outlet {
  standard ??= fstatSync(1).isFIFO() ? new Socket({ fd: 1, readable: false }) : process.stdout;
  const stream = standard;
  let broken: Error | undefined;
  stream.on("error", (error) => {
    broken ??= error;
  });
  return {
    write: (bytes) =>
      explained("standard output", async () => {
        if (broken !== undefined) throw broken;
        await new Promise<void>((done, refuse) => {
          stream.write(bytes, (error) => (error ? refuse(error) : done()));
        });
      }),
    // It is not ours to close: others may write to it after us.
    async close() {},
  };
}

async function explained<T>(output: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    const cause = thrown as NodeJS.ErrnoException;
    if (cause.code === "EPIPE") throw new Fault("OUTPUT_CLOSED", { output }, { cause });
    if (cause.code === "ENOSPC" || cause.code === "EDQUOT") throw new Fault("OUTPUT_FULL", { output }, { cause });
    throw new Fault("OUTPUT_FAILED", { output, reason: cause.message }, { cause });
  }
}
