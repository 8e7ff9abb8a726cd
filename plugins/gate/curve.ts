import { readFile } from "node:fs/promises";
import { Fault, type GainCurve, gainCurveSchema } from "starling-ner";

/** Throws GATE_FILE_UNREADABLE. */
export async function readCurve(file: string): Promise<GainCurve> {
  const read = gainCurveSchema.safeParse(await json(file));
  if (read.success) return read.data;
  const { path, message } = read.error.issues[0]!;
  throw new Fault("GATE_FILE_UNREADABLE", { file, reason: `${path.join(".") || "it"}: ${message}` });
}

async function json(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : message;
    throw new Fault("GATE_FILE_UNREADABLE", { file, reason }, { cause });
  }
}
