import type { ChatAnswer } from "../chat.ts";
import { isFault } from "../errors.ts";
import { Abandoned } from "./kinds.ts";
import type { Told } from "./options.ts";

/** What a guard tells for metrics, by the names of OpenTelemetry where it has them. */
export function measured(model: string, { measure }: Told) {
  const [provider, ...rest] = model.split("/");
  const call = {
    gen_ai_operation_name: "chat",
    gen_ai_provider_name: provider!,
    gen_ai_request_model: rest.length > 0 ? rest.join("/") : model,
  };
  const took = (begun: number, error_type: string) =>
    measure("gen_ai_client_operation_duration_seconds", (performance.now() - begun) / 1000, { ...call, error_type });

  return {
    /** One call that is really sent. */
    async call(send: () => Promise<ChatAnswer>): Promise<ChatAnswer> {
      const begun = performance.now();
      try {
        const answer = await send();
        took(begun, "");
        const { inputTokens, outputTokens } = answer.usage;
        measure("gen_ai_client_token_usage", inputTokens, { ...call, gen_ai_token_type: "input" });
        measure("gen_ai_client_token_usage", outputTokens, { ...call, gen_ai_token_type: "output" });
        measure("ner_llm_cost_usd_total", answer.usd, { model });
        return answer;
      } catch (error) {
        took(begun, kindOf(error));
        throw error;
      }
    },
    /** Where an answer was looked for, and whether it was there. */
    looked: (result: "memory" | "file" | "joined" | "miss") => measure("ner_llm_cache_requests_total", 1, { result }),
    again: (error: unknown) => measure("ner_llm_retries_total", 1, { reason: kindOf(error) }),
  };
}

export type Measured = ReturnType<typeof measured>;

const kindOf = (error: unknown): string => {
  if (error instanceof Abandoned) return "abandoned";
  return isFault(error) ? error.code : "UNEXPECTED";
};
