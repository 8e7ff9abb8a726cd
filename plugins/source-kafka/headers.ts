import { isUtf8 } from "node:buffer";
import type { LogRecord } from "starling-ner";

const none: Readonly<Record<string, string>> = Object.freeze({});

/** Headers as text. Of several values of one name the last counts; bytes that are no text come as `base64:…`. */
export function textHeaders(headers: LogRecord["headers"]): Readonly<Record<string, string>> {
  let found: Record<string, string> | undefined;
  for (const name in headers) {
    const given = headers[name];
    const value = Array.isArray(given) ? (given as readonly (Uint8Array | string)[]).at(-1) : given;
    if (value === undefined) continue;
    found ??= {};
    found[name] = typeof value === "string" ? value : textOf(value as Uint8Array);
  }
  return found ?? none;
}

function textOf(value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return isUtf8(bytes) ? bytes.toString("utf8") : `base64:${bytes.toString("base64")}`;
}
