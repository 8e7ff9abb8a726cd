import { readFile } from "node:fs/promises";
import { Fault } from "../errors.ts";
import { parseRecorded } from "../knowledge/index.ts";
import { parseCaptions, withCaptions } from "./captions.ts";
import { type KnowledgeEntry, parseKnowledge, withKnowledge } from "./knowledge.ts";
import { corpusOf, parseConll } from "./parse.ts";
import type { Corpus } from "./sample.ts";

export interface CorpusFiles {
  /** CoNLL. */
  readonly path: string;
  /** PGIM's format, or recorded answers; joined on the text, whatever its spaces. */
  readonly knowledge?: string | undefined;
  /** `<image file> :<caption>` lines; joined on the image id. */
  readonly captions?: string | undefined;
}

export interface JoinedCorpus extends Corpus {
  /** Samples that got no knowledge, no caption, though a file was given. */
  readonly without: { readonly knowledge: number; readonly captions: number };
}

/** Reads a data set with what belongs to it. Throws DATA_UNREADABLE, DATA_MALFORMED or DATA_EMPTY. */
export async function readCorpus({ path, knowledge, captions }: CorpusFiles): Promise<JoinedCorpus> {
  const corpus = parseConll(await readText(path), path);
  const known = knowledge
    ? withKnowledge(corpus.samples, knowledgeOf(await readText(knowledge), knowledge))
    : { samples: corpus.samples, missing: 0 };
  const captioned = captions
    ? withCaptions(known.samples, parseCaptions(await readText(captions), captions))
    : { samples: known.samples, missing: 0 };
  return {
    ...corpusOf(path, captioned.samples, corpus.wordless),
    without: { knowledge: known.missing, captions: captioned.missing },
  };
}

/** Recorded answers or PGIM's format, whichever the text is. */
const knowledgeOf = (text: string, file: string): readonly KnowledgeEntry[] =>
  /^\ufeff?\s*\{/.test(text)
    ? parseRecorded(text, file).map(({ text = "", knowledge }) => ({ words: text.split(/\s+/), knowledge }))
    : parseKnowledge(text, file);

/** Text of a file; throws DATA_UNREADABLE. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Fault(
      "DATA_UNREADABLE",
      { file, cause: code === "ENOENT" ? "there is no such file" : message },
      { cause },
    );
  }
}
