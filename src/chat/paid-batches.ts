import type { Chat, ChatBatches } from "../chat.ts";
import { Fault } from "../errors.ts";
import { batchPrice, costOf, worstOf } from "./batch-cost.ts";
import type { Budget } from "./budget.ts";
import { isA } from "./kinds.ts";

/** What batches are paid from. */
export interface BatchBudget extends Pick<Budget, "hold" | "release" | "leftUsd"> {
  /** Of a batch that cost so much at least, when nobody can tell the whole any more. A name that holds its worst keeps it. */
  spentAtLeast?(name: string, usd: number): void;
}

/**
 * The same batches, kept to a budget: the worst cost of all requests is put aside under the batch's name before it begins, and set
 * right once, when its answers are there, by whichever process fetches them.
 */
export function paidBatches(chat: Chat, inner: ChatBatches, budget: BatchBudget): ChatBatches {
  const { model } = chat;
  const price = batchPrice(chat, inner);
  return {
    ...inner,
    leftUsd: () => Math.min(budget.leftUsd(), inner.leftUsd?.() ?? Number.POSITIVE_INFINITY),
    async begin(name, requests, signal) {
      const usd = price === undefined ? 0 : worstOf(requests.values(), price);
      if (!budget.hold(name, usd)) throw new Fault("CHAT_OVER_BUDGET", { model, usd, leftUsd: budget.leftUsd() });
      try {
        return await inner.begin(name, requests, signal);
      } catch (error) {
        if (neverBegan(error)) budget.release(name, 0);
        throw error;
      }
    },
    // Not by `find`: who began the batch may be at it still.
    forget(name) {
      inner.forget?.(name);
      budget.release(name, 0);
    },
    async fetch(batch, requests, signal) {
      const state = await inner.look(batch, signal);
      const answers = await inner.fetch(batch, requests, signal);
      const { usd, whole } = costOf({ answers, requests, size: batch.size, state, price });
      if (whole) budget.release(batch.name, usd);
      else budget.spentAtLeast?.(batch.name, usd);
      return answers;
    },
  };
}

/** Whether a batch that could not be begun is surely not there; after other failures `find` tells. */
export const neverBegan = (error: unknown): boolean =>
  isA(error, "CHAT_NO_BATCHES") ||
  isA(error, "CHAT_OVER_BUDGET") ||
  isA(error, "CHAT_REFUSED") ||
  isA(error, "CHAT_BUSY") ||
  (isA(error, "CHAT_UNREACHABLE") && error.details.sent === false);
