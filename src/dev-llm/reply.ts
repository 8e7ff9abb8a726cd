import type { Asked } from "./request.ts";

export interface Reply {
  readonly text: string;
  readonly finish: "stop" | "length" | "content_filter";
  /** The model's own words for declining, where it does. */
  readonly refusal?: string;
  readonly tool?: string;
  /** No choices at all, as some servers answer when they are out of memory. */
  readonly empty?: boolean;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** A token is taken for four characters, a picture for 85 tokens. */
export const tokensOf = (text: string): number => Math.ceil(text.length / 4);

export function usageOf(asked: Asked, { text }: Reply): Usage {
  const prompt_tokens = tokensOf(asked.messages.map((one) => one.text).join("\n")) + 85 * asked.images.length;
  const completion_tokens = tokensOf(text);
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

/** An answer no longer than the caller allowed. */
export function capped(reply: Reply, { maxTokens }: Asked): Reply {
  if (maxTokens === undefined || tokensOf(reply.text) <= maxTokens) return reply;
  return { ...reply, text: reply.text.slice(0, 4 * maxTokens), finish: "length" };
}

const head = (object: string, { model }: Asked, id: string) => ({
  id,
  object,
  created: Math.floor(Date.now() / 1000),
  model,
});

export function completion(asked: Asked, reply: Reply, id: string): object {
  const { text, finish, refusal, tool, empty } = reply;
  const message = {
    role: "assistant",
    content: refusal === undefined && tool === undefined ? text : null,
    refusal: refusal ?? null,
    ...(tool !== undefined && { tool_calls: [callOf(tool)] }),
  };
  const choice = { index: 0, message, finish_reason: tool === undefined ? finish : "tool_calls", logprobs: null };
  return {
    ...head("chat.completion", asked, id),
    choices: empty ? [] : [choice],
    usage: usageOf(asked, reply),
  };
}

const callOf = (name: string) => ({ id: "call_1", type: "function", function: { name, arguments: "{}" } });

/** The same as events: one for about each word, the end, and the usage where it was asked for. */
export function events(asked: Asked, reply: Reply, id: string): readonly string[] {
  const { text, finish, refusal, empty } = reply;
  const chunk = (choices: readonly object[], more: object = {}) =>
    `data: ${JSON.stringify({ ...head("chat.completion.chunk", asked, id), choices, ...more })}\n\n`;
  const delta = (delta: object, finish_reason: string | null = null) => chunk([{ index: 0, delta, finish_reason }]);
  const words = (refusal ?? text).match(/\s*\S+\s*$|\s*\S+/g) ?? [];
  const said = words.map((word) => delta(refusal === undefined ? { content: word } : { refusal: word }));
  return [
    ...(empty ? [] : [delta({ role: "assistant", content: "" }), ...said, delta({}, finish)]),
    ...(asked.usageInStream ? [chunk([], { usage: usageOf(asked, reply) })] : []),
    "data: [DONE]\n\n",
  ];
}
