import { readFile } from "node:fs/promises";
import {
  Fault,
  type Knowledge,
  markNames,
  type NamedEntity,
  oneLine,
  type Post,
  parseAnswer,
  parseKnowledge,
  parseRecorded,
  type Recorded,
  textKey,
} from "starling-ner";

/** The recorded knowledge of a post; undefined where there is none. */
export type FindRecord = (post: Post) => Knowledge | undefined;

/** Reads files of recorded answers; the first file that has a post answers. Throws the faults of reading them. */
export async function readRecords(files: readonly string[], maxLength: number): Promise<FindRecord> {
  const shelves = await Promise.all(files.map(readShelf));
  return (post) => {
    for (const shelf of shelves) {
      const record = shelf(post);
      if (record) return knowledgeOf(record, post, maxLength);
    }
    return undefined;
  };
}

/** Finds by text first, among equal texts by id, and by id alone what was recorded without a text. */
async function readShelf(file: string): Promise<(post: Post) => Recorded | undefined> {
  const byText = new Map<string, Recorded[]>();
  const byId = new Map<string, Recorded>();
  for (const record of await readFormat(file)) {
    if (record.text === undefined) byId.set(record.id!, record);
    else {
      const key = textKey(record.text);
      byText.set(key, [...(byText.get(key) ?? []), record]);
    }
  }
  const inTurn = turns();
  return (post) => {
    const same = byText.get(textKey(post.text));
    if (same === undefined) return byId.get(post.id);
    return same.find(({ id }) => id === post.id) ?? (same.length > 1 ? inTurn(same, post.id) : same[0]);
  };
}

/** Equal posts without ids take their records in turn, and keep what they took; the last serves any that are left. */
function turns() {
  const taken = new Map<readonly Recorded[], Map<string, number>>();
  return (records: readonly Recorded[], id: string): Recorded => {
    const own = taken.get(records) ?? new Map<string, number>();
    taken.set(records, own);
    const index = own.get(id) ?? Math.min(own.size, records.length - 1);
    if (own.size < records.length) own.set(id, index);
    return records[index]!;
  };
}

/** All records of a file. Throws DATA_UNREADABLE, DATA_MALFORMED, or DATA_EMPTY where there are none. */
export async function readFormat(file: string): Promise<readonly Recorded[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", { file, cause: (cause as Error).message }, { cause });
  }
  if (/^\ufeff?\s*$/.test(text)) throw new Fault("DATA_EMPTY", { file, expected: "recorded answer" });
  if (/^\ufeff?\s*\{/.test(text) || /\.(?:ndjson|jsonl)$/i.test(file)) return parseRecorded(text, file);
  return parseKnowledge(text, file).flatMap(({ words, knowledge }) =>
    knowledge === "" ? [] : [{ text: words.join(" "), knowledge, source: "pgim" }],
  );
}

function knowledgeOf(record: Recorded, post: Post, maxLength: number): Knowledge {
  const names: readonly NamedEntity[] = record.names ?? parseAnswer(record.knowledge)?.entities ?? [];
  return {
    text: oneLine(record.knowledge).slice(0, maxLength),
    names: markNames(names, post.text),
    source: `recorded:${record.source ?? "unknown"}`,
    // It was paid for when it was recorded.
    usd: 0,
  };
}
