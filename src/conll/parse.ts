import { Fault } from "../errors.ts";
import { type Corpus, type Sample, straysOf, typesOf } from "./sample.ts";

const legalTag = /^(?:O|[BI]-\S+)$/;

/**
 * Reads CoNLL: an optional `IMGID:<id>` line, then `token<TAB>tag` lines, a blank line between samples.
 * Line ends may be LF or CRLF, the last may be missing. A token holds anything but a tab.
 * Throws DATA_MALFORMED with file, line, cause and fix; DATA_EMPTY where no sample is found.
 */
export function parseConll(text: string, file: string): Corpus {
  const samples: Sample[] = [];
  let wordless = 0;
  let open: Open | undefined;
  const finish = (): void => {
    if (open?.words.length)
      samples.push({ ...open, id: open.id ?? String(samples.length + 1), captions: [], knowledge: "" });
    else if (open) wordless++;
    open = undefined;
  };
  eachLine(text, (line, number) => {
    if (line === "") return open?.words.length ? finish() : undefined;
    if (line.startsWith("IMGID:") && !line.includes("\t")) {
      finish();
      open = { id: line.slice(6).trim() || undefined, words: [], tags: [] };
      return;
    }
    open ??= { id: undefined, words: [], tags: [] };
    const [token, tag] = splitLine(line, file, number);
    open.words.push(token);
    open.tags.push(tag);
  });
  finish();
  if (samples.length === 0) throw new Fault("DATA_EMPTY", { file, expected: "CoNLL samples" });
  return corpusOf(file, samples, wordless);
}

interface Open {
  id: string | undefined;
  words: string[];
  tags: string[];
}

export const corpusOf = (file: string, samples: readonly Sample[], wordless = 0): Corpus => ({
  file,
  samples,
  types: typesOf(samples),
  strays: samples.reduce((sum, sample) => sum + straysOf(sample), 0),
  wordless,
});

/** Calls `each` with every line and its number from 1; lines end at LF or CRLF alone, a byte order mark is left out. */
export function eachLine(text: string, each: (line: string, number: number) => void): void {
  const lines = (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text).split("\n");
  lines.forEach((line, index) => {
    const bare = line.endsWith("\r") ? line.slice(0, -1) : line;
    each(bare.trim() === "" && !bare.includes("\t") ? "" : bare, index + 1);
  });
}

/** Token and tag of a line. */
function splitLine(line: string, file: string, number: number): [string, string] {
  const malformed = (cause: string, fix: string): Fault =>
    new Fault("DATA_MALFORMED", { file, line: number, cause, fix });
  const parts = line.split("\t");
  if (parts.length !== 2)
    throw malformed(
      parts.length === 1 ? `no tab in "${shown(line)}"` : `${parts.length - 1} tabs in "${shown(line)}"`,
      "write the token, one tab and its tag",
    );
  const [token, tag] = [parts[0]!, parts[1]!.trim()];
  if (token === "") throw malformed("the token is empty", "write a token before the tab, or take the line out");
  if (!legalTag.test(tag))
    throw malformed(`"${shown(tag)}" is not a BIO2 tag`, "use O, B-<type> or I-<type>, such as B-PER");
  return [token, tag];
}

const shown = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
