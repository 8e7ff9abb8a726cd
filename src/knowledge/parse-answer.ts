import type { Answer, NamedEntity } from "./answer.ts";

const heading = /^\W*(?:possible\s+)?named\s+entit(?:y|ies)\s*:?\s*/iu;
/** Begins the second part; `Reasoning` often follows the last bracket without a space. */
const reasoning = /(?:\/n|\\n)?[\s*_.,;]*(?:Reasoning|Explanation|Rationale)\s*[:：]\s*/u;
/** Says in so many words that there is nothing to list, where a list was announced. */
const nothing =
  /\b(?:none|n\/a|no\s+(?:clear\s+|obvious\s+|specific\s+|explicit\s+)?named?\s+entit|(?:not|n['’]t)\s+(?:be\s+present|(?:contain|include|mention|have)\s+any)|there\s+(?:is|are)\s+no)/iu;
/** The same in a sentence of its own: without a heading, "there is no" may go on with anything. */
const nothingNamed = /^\W*(?:none|n\/a)\W*$|\b(?:no|not|n['’]t)\b[^.!?]{0,40}\bentit(?:y|ies)\b/iu;
/** What a model thought before it answered. */
const thoughts = /^\s*<think(?:ing)?>.*?<\/think(?:ing)?>/su;

/**
 * Reads the free layout of PGIM's answers: `Named entities:`, a numbered list of names with a type in brackets, then
 * `Reasoning:`. Line breaks may be missing anywhere. Or the structured layout, bare, in a fence or behind a
 * sentence. Answers undefined where neither a list nor a clear "none" is found.
 */
export function parseAnswer(text: string): Answer | undefined {
  const said = text.replace(thoughts, "");
  const flat = said.replaceAll("ˆ", " ").replace(/\s+/gu, " ").trim();
  if (flat.startsWith("{") || flat.includes('"entities"')) return structured(said);
  const border = reasoning.exec(flat);
  const [list, why] = border
    ? [flat.slice(0, border.index), flat.slice(border.index + border[0].length)]
    : [flat, undefined];
  const headed = heading.test(list);
  const body = list.replace(heading, "");
  const items = numbered(body);
  if (items.length > 0) return { entities: items.map(entityOf).filter(named), reasoning: why ?? tailOf(items) };
  // A sentence that denies may name brackets of its own: it is asked first.
  if ((headed ? nothing : nothingNamed).test(list)) return { entities: [], reasoning: why ?? "" };
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

/** Brackets that are tried, at most. */
const TRIES = 32;

/** The first object of a text that is an answer in the structured layout. */
function structured(text: string): Answer | undefined {
  let start = text.indexOf("{");
  for (let tries = 0; start >= 0 && tries < TRIES; tries++) {
    const answer = parseJson(text.slice(start, endOfObject(text, start)));
    if (answer !== undefined) return answer;
    start = text.indexOf("{", start + 1);
  }
  return undefined;
}

/** Where the object ends that begins at `start`; undefined where it is cut. */
function endOfObject(text: string, start: number): number | undefined {
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

/** The structured layout: `{"entities": [{"name", "type"}], "reasoning", "image_relevant"}`; read leniently. */
function parseJson(text: string): Answer | undefined {
  let value: { entities?: unknown; reasoning?: unknown };
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value.entities)) return undefined;
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

const flatten = (value: unknown): string =>
  typeof value === "string" ? value.replaceAll("ˆ", " ").replace(/\s+/gu, " ").trim() : "";
