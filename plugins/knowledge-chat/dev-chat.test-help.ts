import { type Chat, type ChatAnswer, type ChatRequest, Fault } from "starling-ner";

/** A `chat@1` over the OpenAI protocol, for tests: one request, no retries, faults by status. */
export function devChat(url: string, model = "dev"): Chat {
  return {
    model: `dev/${model}`,
    takesImages: false,
    guarded: true,
    ask: (request, signal) => ask(url, model, request, signal),
  };
}

async function ask(url: string, model: string, request: ChatRequest, signal: AbortSignal): Promise<ChatAnswer> {
  const { messages, maxTokens, temperature = 0, schema } = request;
  const body = JSON.stringify({
    model,
    messages: messages.map(({ role, text }) => ({ role, content: text })),
    max_tokens: maxTokens,
    temperature,
    ...(schema && { response_format: { type: "json_schema", json_schema: schema } }),
  });
  const response = await fetch(`${url}/chat/completions`, { method: "POST", body, signal }).catch((error: Error) => {
    throw error.name === "TypeError" ? new Fault("CHAT_UNREACHABLE", { model, reason: error.message }) : error;
  });
  const { status } = response;
  if (status === 429) throw new Fault("CHAT_BUSY", { model, afterMs: null });
  if (status >= 500) throw new Fault("CHAT_FAILED", { model, status, reason: "failed" });
  if (status >= 400) throw new Fault("CHAT_REFUSED", { model, status, reason: "refused" });
  try {
    return read(JSON.parse(await response.text()));
  } catch (cause) {
    if ((cause as Error).name === "AbortError") throw cause;
    throw new Fault("CHAT_GARBLED", { model, reason: (cause as Error).message }, { cause });
  }
}

interface Completion {
  readonly choices: readonly {
    readonly message: { readonly content: string | null; readonly refusal: string | null };
    readonly finish_reason: string;
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

function read({ choices, usage }: Completion): ChatAnswer {
  const [choice] = choices;
  if (!choice) throw new Error("no choices");
  const { message, finish_reason } = choice;
  return {
    text: message.content ?? "",
    structured: false,
    finish: message.refusal === null ? (finish_reason === "length" ? "length" : "stop") : "refusal",
    usage: { inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens },
    usd: 0.001,
  };
}
