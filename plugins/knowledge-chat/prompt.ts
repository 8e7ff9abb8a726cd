import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Fault } from "starling-ner";

export interface Prompt {
  /** What is asked, with the layout of the answer at its end. */
  readonly head: string;
  /** One post: `{{mark}}`, `{{text}}` and `{{captions}}` are filled in. */
  readonly question: string;
  /** Whether the answer is asked for as JSON. */
  readonly structured: boolean;
  /** Name of its folder and first digits of the SHA-256 of its files. */
  readonly version: string;
}

const wanted = ["{{mark}}", "{{text}}", "{{captions}}"];

/** Folder of a prompt: one of the package by its name, or any by its path. */
export function promptFolder(name: string, resolve: (path: string) => string): string {
  return /^[\w-]+$/.test(name) ? join(ownPrompts(), name) : resolve(name);
}

/** Reads a prompt's files; throws PROMPT_INVALID where one is missing or lacks a place to fill in. */
export async function readPrompt(folder: string, structured: boolean): Promise<Prompt> {
  const read = async (name: string): Promise<string> => {
    try {
      return (await readFile(join(folder, name), "utf8")).trim();
    } catch (cause) {
      throw new Fault("PROMPT_INVALID", { folder, what: `${name} cannot be read` }, { cause });
    }
  };
  const [head, layout, question] = await Promise.all([
    read("head.md"),
    read(structured ? "structured.md" : "free.md"),
    read("question.md"),
  ]);
  const lacking = wanted.find((place) => !question.includes(place));
  if (lacking !== undefined) throw new Fault("PROMPT_INVALID", { folder, what: `question.md has no ${lacking}` });
  const digest = createHash("sha256").update([head, layout, question].join("\0")).digest("hex").slice(0, 8);
  return { head: `${head}\n\n${layout}`, question, structured, version: `${basename(folder)}-${digest}` };
}

/** `prompts/` of the package, whether this file runs from its sources or as it was built. */
function ownPrompts(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "prompts")) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, "prompts");
}
