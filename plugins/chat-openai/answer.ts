import { type ChatAnswer, type ChatPrice, type ChatRequest, type ChatUsage, Fault, z } from "starling-ner";
import { inputTokensAtMost, usdOf } from "starling-ner/chat";

/** What is read of a completion; servers leave out, or add, the rest. */
const completion = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.int().nonnegative(), completion_tokens: z.int().nonnegative() }).nullish(),
});

export interface Asked {
  readonly model: string;
  /** Absent where nobody knows any more what was asked. */
  readonly request: ChatRequest | undefined;
  readonly price: ChatPrice | undefined;
  /** Whether the server was asked to hold the answer to the schema. */
  readonly structured: boolean;
}

/** Reads a completion; throws CHAT_GARBLED where it is none. */
export function answerOf(body: unknown, asked: Asked): ChatAnswer {
  const { model, request, price, structured } = asked;
  const garbled = (reason: string) => new Fault("CHAT_GARBLED", { model, reason });
  const { success, data, error } = completion.safeParse(body);
  if (!success) throw garbled(`${error.issues[0]!.path.join(".") || "the body"}: ${error.issues[0]!.message}`);
  const { message, finish_reason } = data.choices[0]!;
  const finish = finishOf(finish_reason, message.refusal);
  const text = message.content ?? (finish === "refusal" ? (message.refusal ?? "") : "");
  if (text === "" && finish === "stop") throw garbled("it has no text");
  const usage = usageOf(data.usage, request, price);
  if (usage === undefined) throw garbled("it does not tell what it used");
  return {
    text,
    structured: structured && finish === "stop" && isJson(text),
    finish,
    usage,
    usd: price === undefined ? 0 : usdOf(usage, price),
  };
}

function finishOf(reason: string | null | undefined, refusal: string | null | undefined): ChatAnswer["finish"] {
  if (reason === "content_filter" || (refusal ?? "") !== "") return "refusal";
  return reason === "length" ? "length" : "stop";
}

/** A server that does not count is taken to have used as much as it may. */
function usageOf(
  usage: z.output<typeof completion>["usage"],
  request: ChatRequest | undefined,
  price: ChatPrice | undefined,
): ChatUsage | undefined {
  if (usage) return { inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens };
  if (request === undefined) return undefined;
  return { inputTokens: inputTokensAtMost(request, price?.imageTokens ?? 0), outputTokens: request.maxTokens };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
