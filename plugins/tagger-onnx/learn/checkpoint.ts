import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Fault, z } from "starling-ner";
import type { Learner } from "./learner.ts";
import type { Arenas } from "./start.ts";

const stateFile = z.strictObject({
  schema: z.literal("starling.tagger-onnx.checkpoint/1"),
  /** Updates made. */
  step: z.int().nonnegative(),
  /** In nats; 1 until it is fitted. */
  temperature: z.number().positive(),
  /** Names and shapes of the parameters, in the order of the arrays. */
  layout: z.string(),
});

/** What changes while a run goes on, besides the arenas. */
export interface Progress {
  step: number;
  temperature: number;
}

const layoutOf = ({ tables, dense }: Arenas): string =>
  [...tables.parameters, ...dense.parameters].map(({ name, dims }) => `${name}[${dims}]`).join(" ");

/** What of a learner changes from step to step. */
type Kept = Pick<Learner, "arenas" | "average">;

/** The arrays, and the files that hold them as raw little-endian floats. */
const filesOf = ({ arenas, average }: Kept): [string, Float32Array<SharedArrayBuffer>][] =>
  (["tables", "dense"] as const).flatMap((name): [string, Float32Array<SharedArrayBuffer>][] => [
    [`${name}.weights`, arenas[name].weights],
    [`${name}.first`, arenas[name].first],
    [`${name}.second`, arenas[name].second],
    ...(average ? [[`${name}.mean`, average.arenas[name].weights] satisfies [string, unknown]] : []),
  ]);

/** Writes weights, moments and progress, flushed to the disk, into a folder that is there. */
export async function writeCheckpoint(folder: string, learner: Kept, progress: Progress): Promise<void> {
  for (const [name, array] of filesOf(learner)) await writeFlushed(join(folder, name), bytesOf(array));
  const state = { schema: "starling.tagger-onnx.checkpoint/1", ...progress, layout: layoutOf(learner.arenas) };
  await writeFlushed(join(folder, "learner.json"), JSON.stringify(state));
}

/** Reads all of a checkpoint before anything is changed: a broken one leaves the run as it was. */
export async function readCheckpoint(folder: string, learner: Kept): Promise<Progress> {
  const file = join(folder, "learner.json");
  const missing = (cause: unknown) => new Fault("CHECKPOINT_MISSING", { folder }, { cause });
  const text = await readFile(file, "utf8").catch((cause: unknown) => Promise.reject(missing(cause)));
  const parsed = stateFile.safeParse(parseJson(text));
  if (!parsed.success) throw missing(parsed.error);
  const { step, temperature, layout } = parsed.data;
  if (layout !== layoutOf(learner.arenas)) throw new Fault("CHECKPOINT_OF_ANOTHER_RUN", { folder, what: "weights" });
  const files = filesOf(learner);
  for (const [name, array] of files) await checkSize(folder, name, array.byteLength);
  for (const [name, array] of files) await readInto(join(folder, name), bytesOf(array));
  return { step, temperature };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array<SharedArrayBuffer>) =>
  new Uint8Array(buffer, byteOffset, byteLength);

async function checkSize(folder: string, name: string, bytes: number): Promise<void> {
  const found = await stat(join(folder, name)).catch(() => undefined);
  if (found?.size === bytes) return;
  const what = found === undefined ? "it is missing" : `it has ${found.size} bytes, not ${bytes}`;
  throw new Fault("MODEL_FILE_INVALID", { file: join(folder, name), what, hint: "resume from another checkpoint" });
}

/** Copied through a buffer of its own: the file system does not take shared memory. */
const chunkBytes = 1 << 24;

async function writeFlushed(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, "w");
  try {
    if (typeof content === "string") await file.writeFile(content);
    else
      for (let at = 0; at < content.length; at += chunkBytes) await file.writeFile(content.slice(at, at + chunkBytes));
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readInto(path: string, target: Uint8Array): Promise<void> {
  const file = await open(path, "r");
  const chunk = new Uint8Array(Math.min(chunkBytes, target.length));
  try {
    for (let at = 0; at < target.length; ) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, target.length - at), at);
      if (bytesRead === 0) throw new Error(`${path} ends at byte ${at}`);
      target.set(chunk.subarray(0, bytesRead), at);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}
