import type { Chat, ChatAnswer, ChatBatches, ChatBatchId, ChatPrice, ChatRequest } from "../chat.ts";
import { Fault } from "../errors.ts";
import type { Budget } from "./budget.ts";
import type { Cache } from "./cache.ts";
import { worstUsd } from "./cost.ts";
import { fingerprintOf, isRepeatable } from "./fingerprint.ts";
import { isA, isFree } from "./kinds.ts";
import type { Told } from "./options.ts";

interface Parts {
  readonly budget: Budget | undefined;
  readonly cache: Cache;
  readonly told: Pick<Told, "count">;
}

/**
 * A model's batches, kept to the budget: the worst cost of all requests is put aside under the batch's name before it begins, and
 * set right once, when its answers are there, by whichever process fetches them. Answers go into the cache.
 */
export function guardBatches(chat: Chat, inner: ChatBatches, { budget, cache, told }: Parts): ChatBatches {
  const { model } = chat;
  const price = batchPrice(chat, inner);

  const hold = (name: string, requests: ReadonlyMap<string, ChatRequest>) => {
    if (budget === undefined || price === undefined) return;
    const usd = worstOf(requests.values(), price);
    if (!budget.hold(name, usd)) throw new Fault("CHAT_OVER_BUDGET", { model, usd, leftUsd: budget.leftUsd() });
  };

  const keep = (request: ChatRequest | undefined, answer: ChatAnswer) => {
    told.count("input_tokens", answer.usage.inputTokens);
    told.count("output_tokens", answer.usage.outputTokens);
    told.count("usd", answer.usd);
    if (request === undefined || !isRepeatable(request) || answer.finish !== "stop") return;
    const { usd, cached, ...kept } = answer;
    cache.put(fingerprintOf(chat, request), kept);
  };

  return {
    ...inner,
    ...(price !== undefined && { price }),
    ...(budget !== undefined && { leftUsd: budget.leftUsd }),
    known(request) {
      const found = isRepeatable(request) ? cache.get(fingerprintOf(chat, request)) : undefined;
      return found && { ...found.answer, usd: 0, cached: true };
    },
    async begin(name, requests, signal) {
      hold(name, requests);
      try {
        return await inner.begin(name, requests, signal);
      } catch (error) {
        if (neverBegan(error)) budget?.release(name, 0);
        throw error;
      }
    },
    // Not by `find`: who began the batch may be at it still.
    forget(name) {
      inner.forget?.(name);
      budget?.release(name, 0);
    },
    async fetch(batch: ChatBatchId, requests, signal) {
      const answers = await inner.fetch(batch, requests, signal);
      for (const [key, one] of answers) if (!(one instanceof Error)) keep(requests.get(key), one);
      const usd = costOf(answers, requests, price);
      if (usd !== undefined) budget?.release(batch.name, usd);
      return answers;
    },
  };
}

/** What a request in a batch costs; undefined where no price is known. */
export const batchPrice = (
  { price }: Pick<Chat, "price">,
  batches: Pick<ChatBatches, "price">,
): ChatPrice | undefined => batches.price ?? price;

/** What requests cost if all goes as badly as it may, in US dollars. */
export function worstOf(requests: Iterable<ChatRequest>, price: ChatPrice): number {
  let usd = 0;
  for (const request of requests) usd += worstUsd(request, price);
  return usd;
}

/** Whether a batch that could not be begun is surely not there; after other failures `find` tells. */
export const neverBegan = (error: unknown): boolean =>
  isA(error, "CHAT_NO_BATCHES") ||
  isA(error, "CHAT_OVER_BUDGET") ||
  isA(error, "CHAT_REFUSED") ||
  isA(error, "CHAT_BUSY") ||
  (isA(error, "CHAT_UNREACHABLE") && error.details.sent === false);

/**
 * What a batch cost. A request that failed and may have cost something counts in full; where nobody knows any more what it
 * was, the sum is not known either, and what was put aside stays spent.
 */
function costOf(
  answers: ReadonlyMap<string, ChatAnswer | Fault>,
  requests: ReadonlyMap<string, ChatRequest>,
  price: ChatPrice | undefined,
): number | undefined {
  let usd = 0;
  for (const [key, one] of answers) {
    if (!(one instanceof Error)) {
      usd += one.usd;
      continue;
    }
    if (isFree(one) || isA(one, "CHAT_BATCH_ENDED")) continue;
    const request = requests.get(key);
    if (request === undefined) return undefined;
    if (price !== undefined) usd += worstUsd(request, price);
  }
  return usd;
}
