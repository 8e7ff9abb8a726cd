import { access, open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Fault, z } from "starling-ner";

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

export const missing = (folder: string, file: string, named: string): Fault =>
  new Fault("MODEL_FILE_MISSING", { file: join(folder, file), hint: `${named} asks for it; copy the whole folder` });

export async function sizeOf(folder: string, file: string): Promise<number> {
  const found = await stat(join(folder, file)).catch(() => undefined);
  if (found === undefined) throw missing(folder, file, "the model");
  return found.size;
}

export async function readJson<T extends z.ZodType>(
  folder: string,
  name: string,
  schema: T,
  hint: string,
): Promise<z.output<T>> {
  const file = join(folder, name);
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Fault("MODEL_FILE_MISSING", { file, hint }, { cause });
  });
  const invalid = (what: string, cause?: unknown) => new Fault("MODEL_FILE_INVALID", { file, what, hint }, { cause });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid("it is not JSON", cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).replaceAll("\n", "; "));
  return parsed.data;
}

/** Size, first and last bytes of a file: enough to tell models apart without reading gigabytes. */
export async function ends(path: string): Promise<Buffer> {
  const span = 1 << 20;
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(2 * span);
    await file.read(bytes, 0, span, 0);
    await file.read(bytes, span, span, Math.max(0, size - span));
    return Buffer.concat([Buffer.from(`${size}:`), bytes]);
  } finally {
    await file.close();
  }
}

/** Names of a safetensors file's tensors, from its header alone. */
export async function tensorNames(path: string): Promise<string[]> {
  const file = await open(path);
  try {
    const invalid = () =>
      new Fault("MODEL_FILE_INVALID", { file: path, what: "its header cannot be read", hint: "copy it again" });
    const size = (await file.stat()).size;
    const head = Buffer.alloc(8);
    await file.read(head, 0, 8, 0);
    const length = Number(head.readBigUInt64LE(0));
    if (length > Math.min(size - 8, 1e8)) throw invalid();
    const header = Buffer.alloc(length);
    await file.read(header, 0, length, 8);
    try {
      return Object.keys(JSON.parse(header.toString("utf8")) as object);
    } catch {
      throw invalid();
    }
  } finally {
    await file.close();
  }
}
