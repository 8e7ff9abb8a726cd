// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configs are written so.
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
} from "yaml";
import { Fault, isFault } from "../errors.ts";
import { type Filled, fillIn, nothingFilled, withoutSecrets } from "./fill-in.ts";
import type { Problem } from "./problem.ts";
import type { Environment } from "./substitute.ts";

export type Path = readonly (string | number)[];

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

/** A config file as it was written: its value, and where each part of it stands. */
export interface ConfigText {
  /** As the user named it. */
  readonly file: string;
  /** Absolute; paths inside the config are relative to it. */
  readonly folder: string;
  /** Plain data, with everything substituted. */
  readonly value: unknown;
  /** The same with secrets left as `${…}`; this one may be shown, hashed and kept. */
  readonly shown: unknown;
  /** Broken syntax and failed substitutions. */
  readonly problems: readonly Problem[];
  /** Of the value or the key at `path`; where there is none, of the nearest thing around it. */
  position(path: Path, at?: "key" | "value"): Position;
  /** Whether the value at `path` is one `${…}` and nothing else, so that it may stand for a number or a switch. */
  substituted(path: Path): boolean;
  /** Puts `${…}` back wherever a secret value stands in `text`. */
  redact(text: string): string;
}

/** Reads and parses a config. Throws CONFIG_UNREADABLE; problems inside the file are listed, not thrown. */
export async function readConfigText(file: string, env: Environment = process.env): Promise<ConfigText> {
  try {
    return parseConfigText(await readFile(file, "utf8"), file, env);
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw new Fault(
      "CONFIG_UNREADABLE",
      { file, why: (cause as NodeJS.ErrnoException).code ?? String(cause) },
      { cause },
    );
  }
}

export function parseConfigText(source: string, file: string, env: Environment): ConfigText {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const folder = dirname(resolve(file));
  const at = (offset: number) => ({ line: lines.linePos(offset).line || 1, column: lines.linePos(offset).col || 1 });
  const syntax = [
    ...document.errors.map(({ message, pos }) => ({ message, offset: pos[0] })),
    ...aliasErrors(document),
  ];
  const filled = syntax.length > 0 ? nothingFilled : fillIn(document, env, folder);
  return {
    file,
    folder,
    value: syntax.length > 0 ? undefined : document.toJS(),
    shown: syntax.length > 0 ? undefined : withoutSecrets(document, filled),
    problems: [
      ...syntax.map(({ message, offset }) => syntaxProblem(message + quoteHint(source, at(offset)), file, at(offset))),
      ...filled.failed.map(({ fault, offset }) => ({ ...fault, file, ...at(offset) })),
    ],
    position: (path, part = "value") => at(offsetOf(document, path, part)),
    substituted: (path) => filled.lone.has(nodeAt(document, path) as Scalar),
    redact: (text) => filled.secrets.reduce(hide, text),
  };
}

/** Shorter values stand inside other words by chance: they are hidden only where they stand alone. */
const SURE_LENGTH = 6;

function hide(text: string, { value, written }: Filled["secrets"][number]): string {
  if (value === "") return text;
  if (value.length >= SURE_LENGTH) return text.replaceAll(value, () => written);
  const literal = value.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}_])${literal}(?![\\p{L}\\p{N}_])`, "gu"), () => written);
}

/** Inside `{ … }` and `[ … ]` a bare `${NAME}` opens a mapping of its own. */
const quoteHint = (source: string, { line }: Position): string =>
  /\$\{/.test(source.split("\n")[line - 1] ?? "") ? ' (inside { } and [ ] put quotes around it: "${NAME}")' : "";

/** Aliases without an anchor, and too many aliases, show only when the data is made. */
function aliasErrors(document: Document): readonly { readonly message: string; readonly offset: number }[] {
  try {
    if (document.errors.length === 0) document.toJS();
    return [];
  } catch (error) {
    return [{ message: error instanceof Error ? error.message : String(error), offset: 0 }];
  }
}

const syntaxProblem = (why: string, file: string, position: Position): Problem => ({
  code: "CONFIG_SYNTAX",
  message: new Fault("CONFIG_SYNTAX", { why }).message,
  file,
  ...position,
});

function nodeAt(document: Document, path: Path): Node | undefined {
  let node: unknown = document.contents;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (!isMap(node) && !isSeq(node)) return undefined;
    node = node.get(step, true);
  }
  return (node ?? undefined) as Node | undefined;
}

function offsetOf(document: Document, path: Path, at: "key" | "value"): number {
  if (at === "key" && path.length > 0) {
    const around = nodeAt(document, path.slice(0, -1));
    const pair = isMap(around) ? around.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined;
    if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0];
  }
  for (let length = path.length; length >= 0; length--) {
    const range = nodeAt(document, path.slice(0, length))?.range;
    if (range) return range[0];
  }
  return 0;
}
