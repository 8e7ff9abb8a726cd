import type { Knowledge } from "../facts.ts";
import { parseRecordedLine, type Recorded, textKey } from "../knowledge/index.ts";
import type { Post } from "../schema/post.ts";
import { endWhole, openToGoOn, readLines } from "./go-on.ts";

export interface RecordFile {
  /** Answers that were there before. */
  readonly before: number;
  has(post: Post): boolean;
  /** Appends what was said of posts; resolves once the file has it. */
  add(answers: readonly { readonly post: Post; readonly knowledge: Knowledge }[]): Promise<void>;
  /** Resolves once the disk has what was added. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file of recorded answers to go on with it. A last line that a crash left half written is taken off. With `readOnly` it
 * is only looked at, and nothing may be added. Throws DATA_MALFORMED where it holds something else, OUTPUT_FAILED where it cannot
 * be written.
 */
export async function openRecords(
  file: string,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Promise<RecordFile> {
  const handle = await openToGoOn(file, readOnly);
  try {
    const known = new Set<string>();
    if (handle !== undefined) {
      const end = await readLines(handle, file, (line, number) => {
        const record = parseRecordedLine(line, file, number);
        if (record) known.add(keyOfRecord(record));
      });
      if (!readOnly) await endWhole(handle, end);
    }
    return {
      before: known.size,
      has: (post) => known.has(keyOf(post)),
      async add(answers) {
        const lines = answers.map(({ post, knowledge }) => JSON.stringify(recordOf(post, knowledge)));
        if (lines.length > 0) await handle!.appendFile(`${lines.join("\n")}\n`);
        for (const { post } of answers) known.add(keyOf(post));
      },
      flush: async () => handle?.sync(),
      close: async () => {
        if (!readOnly) await handle?.sync();
        await handle?.close();
      },
    };
  } catch (error) {
    await handle?.close();
    throw error;
  }
}

const keyOf = ({ id, text }: Pick<Post, "id" | "text">): string => `${id}\n${textKey(text)}`;
const keyOfRecord = ({ id = "", text = "" }: Recorded): string => keyOf({ id, text });

const recordOf = ({ id, text }: Post, { text: knowledge, names, source, usd }: Knowledge): Recorded => ({
  schema: "starling.knowledge/1",
  id,
  text,
  knowledge,
  names: names.map(({ text, type }) => ({ text, type })),
  source,
  usd,
});
