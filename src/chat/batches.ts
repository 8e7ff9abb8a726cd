import type { Chat, ChatAnswer, ChatBatches, ChatRequest } from "../chat.ts";
import { batchPrice } from "./batch-cost.ts";
import type { Budget } from "./budget.ts";
import type { Cache } from "./cache.ts";
import { fingerprintOf, isRepeatable } from "./fingerprint.ts";
import type { Told } from "./options.ts";
import { paidBatches } from "./paid-batches.ts";

interface Parts {
  readonly budget: Budget | undefined;
  readonly cache: Cache;
  readonly told: Pick<Told, "count">;
}

/** A model's batches, kept to the budget where there is one. Answers go into the cache. */
export function guardBatches(chat: Chat, inner: ChatBatches, { budget, cache, told }: Parts): ChatBatches {
  const price = batchPrice(chat, inner);
  const paid = budget === undefined ? inner : paidBatches(chat, inner, budget);

  const keep = (request: ChatRequest | undefined, answer: ChatAnswer) => {
    told.count("input_tokens", answer.usage.inputTokens);
    told.count("output_tokens", answer.usage.outputTokens);
    told.count("usd", answer.usd);
    if (request === undefined || !isRepeatable(request) || answer.finish !== "stop") return;
    const { usd, cached, ...kept } = answer;
    cache.put(fingerprintOf(chat, request), kept);
  };

  return {
    ...paid,
    ...(price !== undefined && { price }),
    async fetch(batch, requests, signal) {
      const answers = await paid.fetch(batch, requests, signal);
      for (const [key, one] of answers) if (!(one instanceof Error)) keep(requests.get(key), one);
      return answers;
    },
  };
}
