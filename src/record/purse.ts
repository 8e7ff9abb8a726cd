import { openBudget } from "../chat/budget.ts";
import { worstUsd } from "../chat/cost.ts";
import { isA, isFree } from "../chat/kinds.ts";
import { type BatchBudget, paidBatches } from "../chat/paid-batches.ts";
import type { Chat } from "../chat.ts";
import { Fault } from "../errors.ts";
import type { Meter } from "./meter.ts";

/** The money of one run, whatever the day. */
export interface Purse {
  /**
   * The same model, each of whose calls and batches is put aside at its worst cost before it is sent; below a guard, so that its
   * retries are seen. Throws CHAT_OVER_BUDGET where less is left.
   */
  before<C extends Chat>(chat: C): C;
  /** Whether it was this purse that had too little. */
  refused(error: unknown): boolean;
  /** What is neither spent nor held for a batch, in US dollars; calls under way may cost some of it yet. */
  freeUsd(): number;
  close(): void;
}

/**
 * Keeps a run to `maxUsd`, by reservations as the guard's budget does. The meter is told what was sent, and what it cost: a call that
 * failed and may have cost something counts at its worst.
 */
export function openPurse(meter: Meter, maxUsd = Number.POSITIVE_INFINITY): Purse {
  const budget = openBudget({ usdPerDay: maxUsd, file: ":memory:", today: () => "" }, (error) => {
    throw error;
  });
  const refusals = new WeakSet<Fault>();
  let awayUsd = 0;

  const reserve = async (model: string, usd: number) => {
    const reservation = await budget.reserve(usd);
    if (reservation !== undefined) return reservation;
    const refusal = new Fault("CHAT_OVER_BUDGET", { model, usd, leftUsd: budget.leftUsd() });
    refusals.add(refusal);
    throw refusal;
  };
  const spend = (usd: number): number => {
    meter.usd += usd;
    return usd;
  };
  const begun = new Set<string>();
  const forBatches: BatchBudget = {
    leftUsd: budget.leftUsd,
    hold(name, usd) {
      begun.add(name);
      return budget.hold(name, usd);
    },
    release(name, usd) {
      // Of a batch that an earlier run began nothing is put aside here.
      budget.hold(name, 0);
      budget.release(name, spend(usd));
    },
    spentAtLeast(name, usd) {
      if (begun.has(name)) spend(usd);
      else forBatches.release(name, usd);
    },
  };

  return {
    before: (chat) => ({
      ...chat,
      ...(chat.batches !== undefined && { batches: paidBatches(chat, chat.batches, forBatches) }),
      async ask(request, signal) {
        const worst = chat.price === undefined ? 0 : worstUsd(request, chat.price);
        const reservation = await reserve(chat.model, worst);
        let usd = 0;
        awayUsd += worst;
        try {
          signal.throwIfAborted();
          usd = worst;
          meter.requests++;
          const answer = await chat.ask(request, signal);
          usd = answer.usd;
          return answer;
        } catch (error) {
          if (isFree(error)) usd = 0;
          if (isA(error, "CHAT_UNREACHABLE") && error.details.sent === false) meter.requests--;
          throw error;
        } finally {
          awayUsd -= worst;
          reservation.settle(spend(usd));
        }
      },
    }),
    refused: (error) => error instanceof Fault && refusals.has(error),
    freeUsd: () => budget.leftUsd() + awayUsd,
    close: budget.close,
  };
}
