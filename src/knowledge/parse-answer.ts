import type { Answer, NamedEntity } from "./answer.ts";

const heading = /^\W*(?:possible\s+)?named\s+entit(?:y|ies)\s*:?\s*/iu;
/** Begins the second part; `Reasoning` often follows the last bracket without a space. */
const reasoning = /(?:\/n|\\n)?[\s*_.,;]*(?:Reasoning|Explanation|Rationale)\s*[:：]\s*/u;
/** Says in so many words, where a list would stand, that there is nothing to list. */
const nothing =
  /^\W*(?:none|n\/a)\b|^[^.!?]{0,40}\bno\s+(?:\p{L}+\s+){0,3}(?:entit|names?\b(?!\s*\())|\bentit[^.!?]{0,20}\b(?:not|n['’]t)\s+be\s+present|(?:not|n['’]t)\s+(?:contain|include|mention|have)\s+any\s+(?:\p{L}+,?\s+){0,5}(?:entit|names?\b)/iu;
/** What a model thought before it answered. */
const thoughts = /^[\s\S]*<\/think(?:ing)?>|^\s*<think(?:ing)?>[\s\S]*$/iu;
const jsonLike = /^\s*[[{]|```\s*json|[{,]\s*["']\w+["']\s*:/iu;

/**
 * Reads the free layout of PGIM's answers: `Named entities:`, a numbered list of names with a type in brackets, then
 * `Reasoning:`. Line breaks may be missing anywhere. Or the structured layout, an object with `entities`, also in a fence or
 * behind a sentence. What stands in `<think>` is no part of it. Answers undefined where neither a list nor a clear "none" is found.
 */
export function parseAnswer(text: string): Answer | undefined {
  const said = text.slice(0, MAX_ANSWER).replace(thoughts, "");
  if (!jsonLike.test(said)) return parseFree(said.replace(/```(?:\w*\n)?/gu, " "));
  const object = parseJson(said);
  if (object && object.entities.length > 0) return object;
  // Around an empty or a broken object a list may stand that was announced; nothing else there is an answer.
  const listed = announced.exec(said.replace(/\{[^{}]*\}/gu, " "));
  const list = listed ? parseFree(listed[0]) : undefined;
  return list && list.entities.length > 0 ? list : object;
}

/** UTF-16 units of an answer that are read; the longest of PGIM's have a little over a thousand. */
const MAX_ANSWER = 8_192;
const announced = /named\s+entit(?:y|ies)\s*:\s*1[.)][\s\S]*$/iu;

function parseFree(text: string): Answer | undefined {
  const flat = text.replaceAll("ˆ", " ").replace(/\s+/gu, " ").trim();
  const border = reasoning.exec(flat);
  const [list, why] = border
    ? [flat.slice(0, border.index), flat.slice(border.index + border[0].length)]
    : [flat, undefined];
  const headed = heading.test(list);
  const body = list.replace(heading, "");
  const items = numbered(body);
  if (items.length > 0) return { entities: items.map(entityOf).filter(named), reasoning: why ?? tailOf(items) };
  // A sentence that denies may name brackets of its own: it is asked first.
  if (nothing.test(body) || nothing.test(list)) return { entities: [], reasoning: why ?? "" };
  const loose = headed ? bracketed(body, border !== null) : [];
  return loose.length > 0 ? { entities: loose, reasoning: why ?? "" } : undefined;
}

/** The parts after `1.`, `2.` and so on; only the next number parts, so that a date or a rank inside a name does not. */
function numbered(text: string): string[] {
  const starts: { readonly at: number; readonly end: number }[] = [];
  for (const match of text.matchAll(/(?<![\d.]|\d,)(\d{1,2})[.)](?!\d)\s*/gu)) {
    const free = starts.length > 0 || match.index === 0 || /[\s\W]$/u.test(text.slice(0, match.index));
    if (free && Number(match[1]) === starts.length + 1 && closed(text.slice(starts.at(-1)?.end ?? 0, match.index)))
      starts.push({ at: match.index, end: match.index + match[0].length });
  }
  return starts.map(({ end }, i) => text.slice(end, starts[i + 1]?.at ?? text.length).trim());
}

/** Whether every bracket is closed: a number inside brackets begins no item. */
const closed = (text: string): boolean => text.split("(").length <= text.split(")").length;

/** `Kevin Durant (person/player)`; the last bracket is the type, those inside it belong to it. */
function entityOf(item: string): NamedEntity {
  const end = item.lastIndexOf(")");
  const start = end < 0 ? -1 : openingOf(item, end);
  if (start > 0) return { text: bare(item.slice(0, start)), type: item.slice(start + 1, end).trim() };
  const [, name, type] = /^(.+?)\s*(?:[:–—]|\s-)\s+(.+)$/u.exec(item) ?? [];
  return name && type ? { text: bare(name), type: bare(type) } : { text: bare(item), type: "" };
}

/** Where the bracket opens that ends at `end`; -1 where it never does. */
function openingOf(text: string, end: number): number {
  let depth = 0;
  for (let at = end; at >= 0; at--) {
    if (text[at] === ")") depth++;
    if (text[at] === "(" && --depth === 0) return at;
  }
  return -1;
}

/** A list without numbers: `Iachini (coach), Udinese (club)`, or one name where the reasoning follows at once. */
function bracketed(text: string, alone: boolean): NamedEntity[] {
  const found = [...text.matchAll(/([^(),]+?)\s*\(([^()]*)\)/gu)].map(([, name, type]) => ({
    text: bare(name!),
    type: type!.trim(),
  }));
  if (found.length > 0) return found.filter(named);
  return alone && text !== "" && text.length <= 60 ? [{ text: bare(text), type: "" }] : [];
}

const named = ({ text }: NamedEntity): boolean => text !== "";

/** Without marks around: quotes, list signs, a last comma; `#` and `@` belong to a name. */
const bare = (text: string): string =>
  text
    .replace(/^[\s*_`.,;:-]+|[\s*_`,;:-]+$/gu, "")
    .replace(/^(["'“‘«])(.*)["'”’»]$/u, "$2")
    .replace(/^["“”«»]+|["“”«»]+$/gu, "")
    .trim();

/** What follows the last bracket of the last item, where nothing says that it is the reasoning. */
const tailOf = (items: readonly string[]): string => {
  const last = items.at(-1)!;
  return last.slice(last.lastIndexOf(")") + 1).trim();
};

/** The structured layout: `{"entities": [{"name", "type"}], "reasoning", "image_relevant"}`; read leniently. */
function parseJson(text: string): Answer | undefined {
  const value = objectIn(text);
  if (value === undefined) return undefined;
  const entities = value.entities.flatMap((one: unknown): NamedEntity[] => {
    const { name, text, type } = (typeof one === "object" && one !== null ? one : { name: one }) as Record<
      string,
      unknown
    >;
    const written = bare(flatten(name ?? text));
    return written === "" ? [] : [{ text: written, type: flatten(type) }];
  });
  return { entities, reasoning: flatten(value.reasoning) };
}

interface Structured {
  readonly entities: readonly unknown[];
  readonly reasoning?: unknown;
}

/** Beginnings of objects that are tried at most: no answer has to be read that is made of braces. */
const MAX_TRIES = 50;

/** The last object with a list of entities, one that names some before one that is empty: models talk first, and answer then. */
function objectIn(text: string): Structured | undefined {
  const starts = [...text.matchAll(/\{(?=\s*")/gu)].slice(0, MAX_TRIES).map(({ index }) => index);
  let found: Structured | undefined;
  let at = 0;
  for (const start of starts) {
    if (start < at) continue; // inside the one before
    const end = endOf(text, start);
    if (end === undefined) break;
    const value = structured(text.slice(start, end));
    if (value === undefined) continue;
    at = end;
    if (found === undefined || value.entities.length > 0) found = value;
  }
  return found;
}

/** Where the object ends that begins at `start`, undefined where it is cut; braces inside strings do not count. */
function endOf(text: string, start: number): number | undefined {
  let [depth, quoted] = [0, false];
  for (let at = start; at < text.length; at++) {
    const sign = text[at];
    if (sign === "\\" && quoted) at++;
    else if (sign === '"') quoted = !quoted;
    else if (sign === "{" && !quoted) depth++;
    else if (sign === "}" && !quoted && --depth === 0) return at + 1;
  }
  return undefined;
}

function structured(text: string): Structured | undefined {
  try {
    const value = JSON.parse(text);
    return Array.isArray(value.entities) ? value : undefined;
  } catch {
    return undefined;
  }
}

const flatten = (value: unknown): string =>
  typeof value === "string" ? value.replaceAll("ˆ", " ").replace(/\s+/gu, " ").trim() : "";
