import type { Chat, ChatAnswer, ChatRequest } from "../chat.ts";
import { Fault, isFault } from "../errors.ts";
import { guardBatches } from "./batches.ts";
import { openBudget } from "./budget.ts";
import { openCache } from "./cache.ts";
import { fingerprintOf, isRepeatable } from "./fingerprint.ts";
import { createFlights, type Flight } from "./flights.ts";
import { measured } from "./measured.ts";
import type { GuardedChat, GuardOptions, Told } from "./options.ts";
import { withRetries } from "./retry.ts";
import { createSender } from "./sender.ts";
import { checkApart } from "./store-place.ts";

/**
 * Puts limits, retries, a circuit breaker, a budget and a cache before any chat. A request is answered from the cache,
 * or joins the same request that is under way; or it waits for its turn, its worst cost is put aside, it is sent, and
 * sent again where that may help: all inside its deadline, and until its signal aborts.
 * Throws CHAT_PRICE_UNKNOWN and CHAT_STORE_FAILED at once.
 */
export function guardChat(inner: Chat, options: GuardOptions, told: Told): GuardedChat {
  const { model } = inner;
  checkApart(options.budget?.file, options.cache.file);
  const budget = openBudgetOf(inner, options, told);
  const cache = openCacheOf(options, told, () => budget?.close());
  const flights = createFlights<ChatAnswer>();
  const metrics = measured(model, told);
  const sender = createSender(inner, budget, options, { ...told, metrics });

  const fly = (request: ChatRequest, key: string | undefined) => async (flight: Flight) => {
    const retrying = (error: unknown) => {
      told.count("retries");
      metrics.again(error);
    };
    const { deadline, signal } = flight;
    const answer = await withRetries(() => sender.send(request, flight), { ...options, deadline, signal, retrying });
    tellCost(answer, told);
    const { usd, cached, ...kept } = answer;
    if (key !== undefined && answer.finish === "stop") cache.put(key, kept);
    return answer;
  };

  const keyOf = (request: ChatRequest) => (isRepeatable(request) ? fingerprintOf(inner, request) : undefined);
  const foundBy = (key: string | undefined) => {
    const found = key === undefined ? undefined : cache.get(key);
    return found && { from: found.from, answer: { ...found.answer, usd: 0, cached: true } };
  };
  const known = (request: ChatRequest): ChatAnswer | undefined =>
    foundBy(keyOf(request))?.answer ?? inner.known?.(request);

  const ask = async (request: ChatRequest, signal: AbortSignal): Promise<ChatAnswer> => {
    told.count("asked");
    signal.throwIfAborted();
    const key = keyOf(request);
    const found = foundBy(key);
    if (found !== undefined) {
      told.count(`hits_${found.from}`);
      metrics.looked(found.from);
      return found.answer;
    }
    // A guard behind this one has it: that costs nothing, and asks for no limit's leave.
    if (inner.known?.(request) !== undefined) return inner.ask(request, signal);
    const joins = key !== undefined && flights.has(key);
    if (joins) told.count("joined");
    metrics.looked(joins ? "joined" : "miss");
    const now = performance.now();
    const deadline = Math.min(request.deadline ?? Number.POSITIVE_INFINITY, now + options.timeoutMs);
    const late = () => new Fault("CHAT_TIMEOUT", { model, afterMs: Math.round(performance.now() - now) });
    if (deadline <= now) throw late();
    const answer = await flights.join(key, { deadline, signal, late }, fly(request, key));
    return joins ? { ...answer, usd: 0, cached: true } : answer;
  };

  return {
    model,
    takesImages: inner.takesImages,
    guarded: true,
    known,
    ...(inner.settings !== undefined && { settings: inner.settings }),
    ...(inner.price !== undefined && { price: inner.price }),
    ...(inner.batches !== undefined && { batches: guardBatches(inner, inner.batches, { budget, cache, told }) }),
    async ask(request, signal) {
      try {
        return await ask(request, signal);
      } catch (error) {
        if (isFault(error) && error.code.startsWith("CHAT_"))
          told.count(error.code.replace("CHAT", "failed").toLowerCase());
        throw error;
      }
    },
    figures: () => ({
      circuitOpen: sender.circuitOpen ? 1 : 0,
      underWay: sender.underWay,
      ...(budget !== undefined && { budgetLeftUsd: budget.leftUsd() }),
    }),
    close: once(async () => {
      cache.close();
      budget?.close();
    }),
  };
}

function openBudgetOf({ model, price }: Chat, { budget }: GuardOptions, told: Told) {
  if (budget === undefined) return undefined;
  if (price === undefined) throw new Fault("CHAT_PRICE_UNKNOWN", { model });
  let warned = false;
  return openBudget(budget, (error) => {
    if (!warned) told.warn("the worst cost of calls stays spent", { model, reason: error.message });
    warned = true;
  });
}

function openCacheOf({ cache }: GuardOptions, told: Told, failed: () => void) {
  try {
    return openCache(cache, (error) => told.warn("answers are not kept any more", { reason: error.message }));
  } catch (error) {
    failed();
    throw error;
  }
}

function tellCost({ usage, usd }: ChatAnswer, told: Told): void {
  told.count("input_tokens", usage.inputTokens);
  told.count("output_tokens", usage.outputTokens);
  told.count("usd", usd);
}

/** Calls `close` the first time only. */
function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= close();
    return closing;
  };
}
