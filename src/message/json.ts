import type { Outcome } from "../outcome.ts";
import { decodePost, type Place } from "../schema/decode.ts";
import type { Post } from "../schema/post.ts";
import { textOf } from "./message.ts";

/** A post whose bytes are JSON. Fails with POST_NOT_UTF8, POST_NOT_JSON or POST_INVALID. */
export function jsonPost(bytes: Uint8Array, place: Place): Outcome<Post> {
  const text = textOf(bytes, place);
  return text.kind === "ok" ? decodePost(text.value, place) : text;
}
