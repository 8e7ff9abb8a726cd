import type { ChatCompletionCreateParamsNonStreaming, ChatCompletionMessageParam } from "openai/resources";
import type { ChatMessage, ChatRequest } from "starling-ner";
import type { Options } from "./options.ts";

/** The body of a chat completion. `extra` may add fields, and replace none of ours. */
export function bodyOf(request: ChatRequest, options: Options, structured: boolean) {
  const { model, tokenCap, sendTemperature, extra } = options;
  return {
    ...extra,
    model,
    messages: request.messages.map((message) => messageOf(message, options)),
    [tokenCap]: request.maxTokens,
    ...(sendTemperature && { temperature: request.temperature ?? 0 }),
    ...(structured && request.schema && { response_format: { type: "json_schema", json_schema: schemaOf(request) } }),
  } as ChatCompletionCreateParamsNonStreaming;
}

const schemaOf = ({ schema }: ChatRequest) => ({ ...schema, strict: true });

function messageOf({ role, text, images = [] }: ChatMessage, { imageDetail }: Options): ChatCompletionMessageParam {
  if (images.length === 0) return { role, content: text };
  const parts = images.map(({ bytes, type }) => ({
    type: "image_url" as const,
    // The bytes themselves: the server fetches nothing.
    image_url: { url: `data:${type};base64,${Buffer.from(bytes).toString("base64")}`, detail: imageDetail },
  }));
  return { role: "user", content: [{ type: "text", text }, ...parts] };
}
