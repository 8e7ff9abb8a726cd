import { bulkhead, TaskCancelledError } from "cockatiel";
import type { Chat, ChatAnswer, ChatRequest } from "../chat.ts";
import { Fault } from "../errors.ts";
import { attempt } from "./attempt.ts";
import type { Budget, Reservation } from "./budget.ts";
import { createCircuit } from "./circuit.ts";
import { likelyTokens, worstUsd } from "./cost.ts";
import type { Flight } from "./flights.ts";
import { Abandoned, isFree, peaceMs } from "./kinds.ts";
import { createLimits } from "./limits.ts";
import type { Measured } from "./measured.ts";
import { newsOf } from "./news.ts";
import type { GuardOptions, Told } from "./options.ts";

/** Sends one call when its turn has come, it can be paid, and the server seems to be of use. */
export function createSender(
  chat: Chat,
  budget: Budget | undefined,
  options: GuardOptions,
  told: Told & { readonly metrics: Measured },
) {
  const { model, price } = chat;
  const limits = createLimits({ ...options, model });
  const slots = bulkhead(options.concurrency, Number.POSITIVE_INFINITY);
  const news = newsOf(model, told);
  const circuit = createCircuit(model, options.circuit, (open, last) => {
    told.count(open ? "circuit_opened" : "circuit_closed");
    news.circuit(open, last);
  });

  const overBudget = (usd: number) => {
    const leftUsd = budget?.leftUsd() ?? 0;
    news.overBudget(usd, leftUsd);
    return new Fault("CHAT_OVER_BUDGET", { model, usd, leftUsd });
  };

  const reserve = async (usd: number) => {
    const reservation = await budget?.reserve(usd);
    if (budget !== undefined && reservation === undefined) throw overBudget(usd);
    return reservation;
  };

  let warned = false;
  const settle = (reservation: Reservation | undefined, usd: number, worst: number) => {
    reservation?.settle(usd);
    if (price === undefined || usd <= worst || warned) return;
    warned = true;
    told.warn("a call cost more than it might; check price and tokenCap", { model, usd, worst });
  };

  /** Puts the worst cost aside, sends, and settles; a call that failed and may have cost something stays spent. */
  const pay = async (request: ChatRequest, flight: Flight): Promise<ChatAnswer> => {
    flight.signal.throwIfAborted();
    circuit.check(); // it may have opened while this one waited
    const worst = price === undefined ? 0 : worstUsd(request, price);
    const reservation = await reserve(worst);
    let sent = false;
    try {
      flight.signal.throwIfAborted(); // nobody may be left while the money was put aside
      const answer = await circuit.run(() => {
        sent = true;
        told.count("sent");
        return told.metrics.call(() => attempt({ chat, request, flight, attemptMs: options.attemptMs }));
      });
      settle(reservation, answer.usd, worst);
      return answer;
    } catch (error) {
      if (!sent || isFree(error)) settle(reservation, 0, worst);
      throw error;
    }
  };

  /** Nobody waits for a turn that could not be paid. */
  const checkBudget = (request: ChatRequest) => {
    if (budget === undefined || price === undefined) return;
    const usd = worstUsd(request, price);
    if (!budget.mayAfford(usd)) throw overBudget(usd);
  };

  return {
    async send(request: ChatRequest, flight: Flight): Promise<ChatAnswer> {
      circuit.check();
      checkBudget(request);
      const tokens = likelyTokens(request, price?.imageTokens);
      if (await limits.admit(tokens, flight.deadline, flight.signal)) told.count("waits");
      try {
        const answer = await slots.execute(() => pay(request, flight), flight.signal);
        limits.correct(tokens, answer.usage.inputTokens + answer.usage.outputTokens);
        return answer;
      } catch (error) {
        const peace = peaceMs(error);
        limits.keepPeace(peace);
        news.peace(peace);
        if (error instanceof TaskCancelledError) throw flight.signal.reason;
        throw error instanceof Abandoned ? error.reason : error;
      }
    },
    get circuitOpen() {
      return circuit.open;
    },
    get underWay() {
      return options.concurrency - slots.executionSlots;
    },
  };
}

export type Sender = ReturnType<typeof createSender>;
