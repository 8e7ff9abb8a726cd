import type { LogRecord, NewRecord } from "starling-ner";
import { textHeaders } from "./headers.ts";
import type { Came, Held } from "./held.ts";

const prefix = "starling-retry-";
const names = { lane: `${prefix}lane`, offset: `${prefix}offset`, attempt: `${prefix}attempt` } as const;
const times = { firstAt: `${prefix}first`, notBefore: `${prefix}not-before` } as const;

/** A post as it waits in a retry topic: as it came, with the place it had and what was tried. */
export const retryRecord = (topic: string, post: Held, notBefore: number): NewRecord => ({
  topic,
  key: post.record.key,
  value: post.record.value,
  headers: {
    ...post.headers,
    [names.lane]: post.lane,
    [names.offset]: post.offset,
    [names.attempt]: String(post.attempt + 1),
    [times.firstAt]: String(post.firstAt),
    [times.notBefore]: String(notBefore),
  },
});

/** Undefined for a record that no retry put there: it is a post of its own. */
export function cameBack({ headers }: LogRecord): Came | undefined {
  if (headers[names.lane] === undefined) return undefined;
  const text = textHeaders(headers);
  const [lane, offset, attempt] = [text[names.lane], text[names.offset], Number(text[names.attempt])];
  if (lane === undefined || offset === undefined || !Number.isInteger(attempt)) return undefined;
  return {
    lane,
    offset,
    attempt,
    firstAt: Number(text[times.firstAt]) || 0,
    notBefore: Number(text[times.notBefore]) || 0,
    headers: Object.fromEntries(Object.entries(text).filter(([name]) => !name.startsWith(prefix))),
  };
}
