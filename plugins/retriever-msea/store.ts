import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder, writeDurably } from "starling-ner";
import type { Features, Of } from "./features.ts";

/** What the first line of a file of features says; the numbers follow, little-endian float32, table after table. */
interface Head {
  readonly schema: "starling.features/1";
  readonly model: string;
  readonly bank: string;
  readonly rows: number;
  readonly width: number;
  /** The tables that follow; one where no demonstration has a caption. */
  readonly tables: readonly Of[];
  /** Of the numbers. */
  readonly sha256: string;
}

/** A file of features for each model: one for each bank file, in its folder or in `cache`. */
export const featuresFile = (bankFile: string, model: string, cache?: string): string =>
  join(cache ?? dirname(bankFile), `${basename(bankFile)}.${model.replaceAll(/[^\w.-]/g, "_")}.features`);

/** The features in `file`; undefined where there are none, where they are of another bank or model, or broken. */
export async function loadFeatures(file: string, { bank, model }: Pick<Features, "bank" | "model">) {
  try {
    return read(await readFile(file), { bank, model });
  } catch {
    return undefined;
  }
}

function read(bytes: Buffer, { bank, model }: Pick<Features, "bank" | "model">): Features | undefined {
  const end = bytes.indexOf(10);
  const head = JSON.parse(bytes.toString("utf8", 0, end)) as Head;
  const numbers = bytes.subarray(end + 1);
  const { schema, rows, width, tables } = head;
  if (schema !== "starling.features/1" || head.bank !== bank || head.model !== model) return undefined;
  if (numbers.length !== rows * width * 4 * tables.length || sha256(numbers) !== head.sha256) return undefined;
  const [text, fused = text] = tables.map((_, i) => ({
    vectors: floats(numbers, i * rows * width, rows * width),
    width,
  }));
  return text && fused && { bank, model, tables: { text, "text+captions": fused } };
}

/** Writes them beside, then moves them into place: a reader finds the old ones or the new ones, whole. Throws what the file system says. */
export async function saveFeatures(file: string, { bank, model, tables }: Features): Promise<void> {
  const { text, "text+captions": fused } = tables;
  const kept = text === fused ? { text } : { text, "text+captions": fused };
  const numbers = Buffer.concat(Object.values(kept).map(({ vectors }) => littleEndian(vectors)));
  const head: Head = {
    schema: "starling.features/1",
    ...{ model, bank },
    ...{ rows: text.width === 0 ? 0 : text.vectors.length / text.width, width: text.width },
    ...{ tables: Object.keys(kept) as Of[], sha256: sha256(numbers) },
  };
  makeFolder(dirname(file));
  await writeDurably(file, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), numbers]));
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Copied number by number: the file's own are not aligned, and on some machines not in this order. */
function floats(bytes: Buffer, from: number, count: number): Float32Array {
  const read = new Float32Array(count);
  for (let i = 0; i < count; i++) read[i] = bytes.readFloatLE((from + i) * 4);
  return read;
}

function littleEndian(numbers: Float32Array): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  numbers.forEach((number, i) => {
    bytes.writeFloatLE(number, i * 4);
  });
  return bytes;
}
