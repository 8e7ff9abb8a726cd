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

/** The record of a post that could not be handled, with its original bytes. */
export function toDeadLetter({ postId, origin, stage, error, attempts }: Lost, pipeline: string): DeadLetter {
  return {
    schema: "starling.dead-letter/1",
    key: keyOf(origin, pipeline),
    postId,
    stage,
    code: isFault(error) ? error.code : "UNEXPECTED",
    reason: error.message,
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

const base64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
