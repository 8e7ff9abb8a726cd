import { createHash } from "node:crypto";
import type { Chat, ChatRequest } from "../chat.ts";

/** Raised when the meaning of a key or the form of a stored answer changes. */
const VERSION = 1;

/** Only an answer that the same question gives again may be kept: sampling is off. */
export const isRepeatable = (request: ChatRequest): boolean => (request.temperature ?? 0) === 0;

/** SHA-256 over everything that shapes an answer, hexadecimal; a deadline does not. */
export function fingerprintOf(chat: Pick<Chat, "model" | "settings">, request: ChatRequest): string {
  const { messages, maxTokens, temperature = 0, schema = null } = request;
  const said = messages.map(({ role, text, images = [] }) => [
    role,
    text,
    images.map(({ type, bytes }) => [type, sha256(bytes)]),
  ]);
  return sha256(JSON.stringify([VERSION, chat.model, chat.settings ?? null, said, maxTokens, temperature, schema]));
}

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");
