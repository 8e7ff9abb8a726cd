import type { ChatPrice, ChatRequest, ChatUsage } from "../chat.ts";

/** What servers put around a conversation: the template's own words, a date, a schema's frame. */
const FRAME_TOKENS = 256;
/** Role and separators of one message. */
const MESSAGE_TOKENS = 16;

/**
 * Tokens that a request is charged as input, at most. Byte-level tokenisers never make more tokens of a text than it
 * has bytes of UTF-8.
 */
export function inputTokensAtMost(request: ChatRequest, imageTokens: number): number {
  const schema = request.schema === undefined ? 0 : Buffer.byteLength(JSON.stringify(request.schema));
  return request.messages.reduce(
    (sum, { text, images = [] }) => sum + MESSAGE_TOKENS + Buffer.byteLength(text) + images.length * imageTokens,
    FRAME_TOKENS + schema,
  );
}

/** Tokens that a request will probably take from a limit per minute: a token of English is about four characters. */
export const likelyTokens = (request: ChatRequest, imageTokens = 0): number =>
  Math.ceil(
    request.messages.reduce((sum, { text, images = [] }) => sum + text.length / 4 + images.length * imageTokens, 0),
  ) + request.maxTokens;

export const usdOf = ({ inputTokens, outputTokens }: ChatUsage, price: ChatPrice): number =>
  (inputTokens * price.inputUsd + outputTokens * price.outputUsd) / 1e6;

/** What a call costs if all goes as badly as it may, in US dollars. */
export const worstUsd = (request: ChatRequest, price: ChatPrice): number =>
  usdOf({ inputTokens: inputTokensAtMost(request, price.imageTokens), outputTokens: request.maxTokens }, price);
