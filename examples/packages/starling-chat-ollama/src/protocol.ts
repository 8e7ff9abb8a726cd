import { type ChatAnswer, type ChatRequest, Fault, z } from "starling-ner";

/** The body of POST /api/chat. */
export function bodyOf(
  { messages, maxTokens, temperature = 0, schema }: ChatRequest,
  { model, takesImages }: { readonly model: string; readonly takesImages: boolean },
) {
  return {
    model,
    stream: false,
    messages: messages.map(({ role, text, images = [] }) => ({
      role,
      content: text,
      ...(takesImages &&
        images.length > 0 && { images: images.map(({ bytes }) => Buffer.from(bytes).toString("base64")) }),
    })),
    ...(schema && { format: schema.schema }),
    options: { temperature, num_predict: maxTokens },
  };
}

/** What is read of an answer; servers add the rest. */
const reply = z.object({
  message: z.object({ content: z.string() }),
  done_reason: z.string().optional(),
  prompt_eval_count: z.int().nonnegative().default(0),
  eval_count: z.int().nonnegative().default(0),
});

/** Throws CHAT_GARBLED where it is no answer of the protocol. */
export function answerOf(body: string, { schema }: ChatRequest, model: string): ChatAnswer {
  const { success, data, error } = reply.safeParse(parsed(body));
  if (!success) throw new Fault("CHAT_GARBLED", { model, reason: error.issues[0]?.message ?? "no answer" });
  const text = data.message.content;
  return {
    text,
    structured: schema !== undefined && parsed(text) !== undefined,
    finish: data.done_reason === "length" ? "length" : "stop",
    usage: { inputTokens: data.prompt_eval_count, outputTokens: data.eval_count },
    // A model on one's own machine has no price.
    usd: 0,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
