import { isFault } from "./errors.ts";
import { keyOf } from "./event.ts";
import type { Origin } from "./plugin.ts";
import type { DeadLetter } from "./schema/dead-letter.ts";

export interface Lost {
  /** Null where the bytes could not be read as a post. */
  readonly postId: string | null;
  readonly origin: Origin;
  /** The stage that failed; `source` or `sink` for the two ends. */
  readonly stage: string;
  readonly error: Error;
  readonly attempts: number;
}

/** Characters of a reason, or of an id, that a letter keeps: both may be as long as the post. */
const KEPT = 1000;

/** The record of a post that could not be handled, with its original bytes. */
export function toDeadLetter({ postId, origin, stage, error, attempts }: Lost, pipeline: string): DeadLetter {
  return {
    schema: "starling.dead-letter/1",
    key: keyOf(origin, pipeline),
    postId: postId === null ? null : kept(postId),
    stage,
    code: isFault(error) ? error.code : "UNEXPECTED",
    reason: kept(error.message),
    attempts,
    origin: {
      lane: origin.lane,
      offset: origin.offset,
      ...(origin.headers !== undefined && { headers: { ...origin.headers } }),
      ...(origin.key !== undefined && { key: base64(origin.key) }),
    },
    bytes: base64(origin.bytes()),
  };
}

/** A letter that is too large, with less in it: without its bytes, then the headers, then the key. Undefined at the end. */
export function shorter(letter: DeadLetter): DeadLetter | undefined {
  const { bytes, origin } = letter;
  if (bytes !== "") return { ...letter, bytes: "", leftOut: Buffer.byteLength(bytes, "base64") };
  const { headers = {}, ...bare } = origin;
  const text = Object.entries(headers).flat().join("");
  if (text !== "") return { ...letter, origin: bare, leftOutHeaders: Buffer.byteLength(text) };
  const { key = "", ...place } = bare;
  return key === "" ? undefined : { ...letter, origin: place, leftOutKey: Buffer.byteLength(key, "base64") };
}

const kept = (text: string) => (text.length <= KEPT ? text : `${text.slice(0, KEPT - 1).toWellFormed()}…`);

const base64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
