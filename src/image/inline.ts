import { tooManyBytes } from "./collect.ts";
import { Refusal } from "./refusal.ts";

const dataUri = /^data:[\w.+-]+\/[\w.+-]+(?:;[\w.+-]+=[\w.+-]+)*;base64,/i;

/** What base64 holds. Its length is looked at before it is decoded. */
export function decodeBytes(base64: string, maxBytes: number): Uint8Array {
  // Four characters are three bytes, of which padding may take two.
  if (Math.floor((base64.length * 3) / 4) > maxBytes + 2) throw tooManyBytes(maxBytes);
  return Buffer.from(base64, "base64");
}

export function decodeDataUri(uri: string, maxBytes: number): Uint8Array {
  const head = dataUri.exec(uri)?.[0];
  if (head === undefined) throw new Refusal("image_unreadable", "its data URI is not base64");
  return decodeBytes(uri.slice(head.length), maxBytes);
}
