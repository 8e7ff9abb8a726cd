import { hash } from "node:crypto";
import type { Chat, ChatMessage, ChatRequest } from "../chat.ts";

/** Raised when the meaning of a key or the form of a stored answer changes. */
const VERSION = 2;

/** Only an answer that the same question gives again may be kept: sampling is off. */
export const isRepeatable = (request: ChatRequest): boolean => (request.temperature ?? 0) === 0;

/** SHA-256 over everything that shapes an answer, hexadecimal; a deadline does not. */
export function fingerprintOf(chat: Pick<Chat, "model" | "settings">, request: ChatRequest): string {
  const { messages, maxTokens, temperature = 0, schema = null } = request;
  const said = messages.map(digestOf);
  return sha256(JSON.stringify([VERSION, chat.model, chat.settings ?? null, said, maxTokens, temperature, schema]));
}

/** By message, which never changes: most of a request is the same examples again and again. */
const digests = new WeakMap<ChatMessage, string>();

function digestOf(message: ChatMessage): string {
  const known = digests.get(message);
  if (known !== undefined) return known;
  const { role, text, images = [] } = message;
  const digest = sha256(JSON.stringify([role, text, images.map(({ type, bytes }) => [type, sha256(bytes)])]));
  digests.set(message, digest);
  return digest;
}

const sha256 = (data: string | Uint8Array): string => hash("sha256", data, "hex");
