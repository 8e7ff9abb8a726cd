import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { splitWords, z } from "starling-ner";

export interface Gazetteer {
  /** Changes whenever the list does. */
  readonly version: string;
  readonly types: readonly string[];
  /** By `keyOf` of a name's words. */
  readonly typeOf: ReadonlyMap<string, string>;
  /** Words of the longest name. */
  readonly longest: number;
}

const shape = z.record(z.string().min(1), z.array(z.string().regex(/\S/)));

/** Upper and lower case are the same. */
export const keyOf = (words: readonly string[]): string => words.join(" ").toLowerCase();

/** Throws an error that names the file and what is wrong with it. */
export async function readList(file: string): Promise<Gazetteer> {
  const text = await readFile(file, "utf8");
  const { success, data, error } = shape.safeParse(parsed(text, file));
  if (!success) throw new Error(`${file}: ${error.issues[0]?.message}; write { "LOC": ["Cork"] }`);
  const names = Object.entries(data).flatMap(([type, list]) =>
    // Names are split as posts are.
    list.map((name) => ({ type, words: splitWords(name).map(({ text }) => text) })),
  );
  return {
    version: `gazetteer-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`,
    types: Object.keys(data),
    typeOf: new Map(names.map(({ type, words }) => [keyOf(words), type])),
    longest: Math.max(0, ...names.map(({ words }) => words.length)),
  };
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file}: not JSON: ${(cause as Error).message}`, { cause });
  }
}
