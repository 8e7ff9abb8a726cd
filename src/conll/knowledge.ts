import { Fault } from "../errors.ts";
import { textKey } from "../knowledge/index.ts";
import { eachLine } from "./parse.ts";
import type { Sample } from "./sample.ts";

const end = "<EOS>";

/** A tweet's words and the auxiliary text that was generated for it. */
export interface KnowledgeEntry {
  readonly words: readonly string[];
  readonly knowledge: string;
}

/**
 * Reads PGIM's files: the `token<TAB>tag` lines of a sample, then `<EOS><TAB>X` and the words of Z, tagged `X`.
 * Throws DATA_MALFORMED where a line has no tab, DATA_EMPTY where no sample has knowledge.
 */
export function parseKnowledge(text: string, file: string): KnowledgeEntry[] {
  const entries: KnowledgeEntry[] = [];
  let words: string[] = [];
  let knowledge: string[] | undefined;
  const finish = (): void => {
    if (words.length > 0) entries.push({ words, knowledge: (knowledge ?? []).join(" ") });
    words = [];
    knowledge = undefined;
  };
  eachLine(text, (line, number) => {
    if (line === "") return finish();
    if (line.startsWith("IMGID:")) return;
    const tab = line.lastIndexOf("\t");
    if (tab < 0)
      throw new Fault("DATA_MALFORMED", {
        file,
        line: number,
        cause: "no tab",
        fix: "write the token, one tab and its tag",
      });
    const token = line.slice(0, tab);
    if (token === end) knowledge = [];
    else (knowledge ?? words).push(token);
  });
  finish();
  if (!entries.some((entry) => entry.knowledge !== ""))
    throw new Fault("DATA_EMPTY", { file, expected: `samples with ${end} and knowledge` });
  return entries;
}

/** Samples with the knowledge of the entry that has the same words, wherever they are parted; `missing` counts those without one. */
export function withKnowledge(
  samples: readonly Sample[],
  entries: readonly KnowledgeEntry[],
): { readonly samples: readonly Sample[]; readonly missing: number } {
  const byWords = new Map<string, string[]>();
  for (const { words, knowledge } of entries) {
    const key = textKey(words.join(" "));
    byWords.set(key, [...(byWords.get(key) ?? []), knowledge]);
  }
  let missing = 0;
  const joined = samples.map((sample) => {
    const found = byWords.get(textKey(sample.words.join(" ")));
    if (!found) missing++;
    // Equal tweets take their entries in turn; the last serves any that are left.
    return found ? { ...sample, knowledge: (found.length > 1 ? found.shift() : found[0]) ?? "" } : sample;
  });
  return { samples: joined, missing };
}
