import { isAscii, isUtf8 } from "node:buffer";
import { Fault } from "../errors.ts";
import { fail, type Outcome, ok } from "../outcome.ts";
import type { Origin } from "../plugin.ts";
import type { Place } from "../schema/decode.ts";
import { firstBadByte } from "../schema/utf8.ts";

/** What a log keeps of one post: its bytes, and the headers beside them. */
export interface Message {
  /** Null is a tombstone: what had this key is gone. */
  readonly bytes: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Names a message in a fault: `posts/3 offset 17`. */
export const messagePlace = ({ lane, offset }: Pick<Origin, "lane" | "offset">): Place => ({
  where: () => `${lane} offset ${offset}`,
});

/** The same place, seen from inside: `posts/3 offset 17, data`. */
export const inside = (place: Place, part: string): Place => ({ where: () => `${place.where()}, ${part}` });

export const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The text of bytes, without a byte order mark. Fails with POST_NOT_UTF8. */
export function textOf(bytes: Uint8Array, place: Place): Outcome<string> {
  const buffer = bufferOf(bytes);
  if (isAscii(buffer)) return ok(buffer.toString("latin1"));
  if (!isUtf8(buffer))
    return fail(new Fault("POST_NOT_UTF8", { where: place.where(), byte: firstBadByte(buffer) + 1 }));
  const text = buffer.toString("utf8");
  return ok(text.startsWith("\ufeff") ? text.slice(1) : text);
}
