import type { Chat, ChatAnswer, ChatBatches, ChatBatchState, ChatPrice, ChatRequest } from "../chat.ts";
import type { Fault } from "../errors.ts";
import { worstUsd } from "./cost.ts";
import { isA, isFree } from "./kinds.ts";

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

/** A batch that has ended. */
export interface EndedBatch {
  readonly answers: ReadonlyMap<string, ChatAnswer | Fault>;
  /** Those that are still known. */
  readonly requests: ReadonlyMap<string, ChatRequest>;
  /** How many requests it has; undefined where only the server can tell. */
  readonly size: number | undefined;
  readonly state: ChatBatchState;
  readonly price: ChatPrice | undefined;
}

export interface BatchCost {
  readonly usd: number;
  /** False where it may have cost more: nobody knows any more what some of its requests were, or how many there were. */
  readonly whole: boolean;
}

/**
 * What a batch cost, in US dollars. What failed and may have cost something counts in full, and so does a request without a line,
 * unless the server says that it was not run: a line that was lost on its way is paid for.
 */
export function costOf(batch: EndedBatch): BatchCost {
  const { answers, requests, price } = batch;
  let usd = 0;
  let whole = true;
  for (const [key, one] of answers) {
    if (!(one instanceof Error)) usd += one.usd;
    else if (!isUnpaid(one)) {
      const request = requests.get(key);
      if (request === undefined) whole = false;
      else if (price !== undefined) usd += worstUsd(request, price);
    }
  }
  const lost = lostUsd(batch);
  return { usd: usd + (lost ?? 0), whole: whole && lost !== undefined };
}

const isUnpaid = (fault: Fault): boolean => isFree(fault) || isA(fault, "CHAT_BATCH_ENDED");

/** What requests without a line may have cost: as much as the dearest of them, as many as were run. */
function lostUsd({ answers, requests, size, state, price }: EndedBatch): number | undefined {
  if (state.status === "waiting") return undefined;
  // The file of requests was not taken.
  if (state.status === "failed" && state.done === 0) return 0;
  if (size === undefined && state.total === 0) return undefined;
  const unknown = Math.max(size ?? 0, state.total) - requests.size;
  const missing = [...requests].filter(([key]) => !answers.has(key)).map(([, request]) => request);
  const strangers = [...answers.keys()].filter((key) => !requests.has(key)).length;
  const absent = missing.length + Math.max(0, unknown - strangers);
  const run = Math.min(absent, runWithout(answers, state));
  if (run === 0 || price === undefined) return 0;
  if (unknown > strangers) return undefined;
  const dearest = missing.map((request) => worstUsd(request, price)).toSorted((a, b) => b - a);
  return dearest.slice(0, run).reduce((sum, usd) => sum + usd, 0);
}

/** How many requests were run and have no line, at most; one that is `completed` has run all. */
function runWithout(answers: EndedBatch["answers"], { status, done, total }: ChatBatchState): number {
  if (status === "completed" || total === 0) return Number.POSITIVE_INFINITY;
  const told = [...answers.values()].filter((one) => !isA(one, "CHAT_BATCH_ENDED")).length;
  return Math.max(0, done - told);
}
