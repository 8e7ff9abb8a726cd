import { readFile } from "node:fs/promises";
import { Fault, type NamedEntity, nameKey, nameRuns } from "starling-ner";

/** Names by what they are compared by; the first of several with the same key holds. */
export type Gazetteer = ReadonlyMap<string, NamedEntity>;

export const gazetteerOf = (entities: Iterable<NamedEntity>): Gazetteer => {
  const names = new Map<string, NamedEntity>();
  for (const entity of entities) {
    const key = nameKey(entity.text);
    if (key !== "" && !names.has(key)) names.set(key, entity);
  }
  return names;
};

/**
 * Reads `name<TAB>type` lines; empty ones and those that begin with `#` and a space are passed over. Throws DATA_MALFORMED with
 * file, line, cause and fix, DATA_EMPTY where no name is found.
 */
export async function readGazetteer(file: string): Promise<Gazetteer> {
  const text = await readFile(file, "utf8").catch((cause: Error) => {
    throw new Fault("DATA_UNREADABLE", { file, cause: cause.message }, { cause });
  });
  const entities: NamedEntity[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === "" || line.startsWith("# ")) continue;
    const [name, type, ...more] = line.split("\t").map((part) => part.trim());
    if (!name || !type || more.length > 0)
      throw new Fault("DATA_MALFORMED", {
        file,
        line: index + 1,
        cause: `no name and type in "${line.slice(0, 60)}"`,
        fix: "write the name, one tab and its type",
      });
    entities.push({ text: name, type });
  }
  if (entities.length === 0) throw new Fault("DATA_EMPTY", { file, expected: "name<TAB>type lines" });
  return gazetteerOf(entities);
}

/** Words of the longest names that are looked for. */
const LONGEST = 8;

/** The names of gazetteers that stand in a text, as it has them, in its order, none inside another; the first gazetteer wins. */
export function namesIn(text: string, gazetteers: readonly Gazetteer[]): readonly NamedEntity[] {
  const found: NamedEntity[] = [];
  let free = 0;
  for (const run of nameRuns(text, LONGEST)) {
    if (run.start < free) continue;
    const entity = gazetteers.map((one) => one.get(run.key)).find((one) => one !== undefined);
    if (entity === undefined || !alike(entity.text, run.text)) continue;
    found.push({ text: run.text, type: entity.type });
    free = run.end;
  }
  return found.filter((one, i) => found.findIndex(({ text }) => text === one.text) === i);
}

/** A single word is a name only as it is written: `Apple` is, `apple` is not. */
const alike = (name: string, found: string): boolean =>
  /\s/.test(name) || !/^\p{Lu}/u.test(name) || /^\p{Lu}/u.test(found);
