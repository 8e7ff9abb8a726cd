import { worstUsd } from "../chat/cost.ts";
import { isA, peaceMs } from "../chat/kinds.ts";
import type { Chat, ChatAnswer, ChatRequest } from "../chat.ts";
import { Fault, isFault } from "../errors.ts";
import type { Meter } from "./meter.ts";
import type { Parts } from "./metered.ts";
import { markWaiting } from "./waiting.ts";

/**
 * Asks one by one. A question that must wait, for money that calls under way may give back or because the server wants peace, marks its
 * post as waiting: it is asked of in another round, though its deadline passes meanwhile.
 */
export function createDirect(inner: Chat, { meter, purse, turns, questions }: Parts): Chat["ask"] {
  const { model, price } = inner;
  let peaceUntil = Number.NEGATIVE_INFINITY;

  const spent = () => meter.spent.signal.aborted;

  /**
   * No turn will come, and the post is left out. From then on nothing is sent, and what is known comes still; with batches the run
   * goes on for their sake.
   */
  const noTurn = (usd: number, release: () => void): Fault => {
    const fault = new Fault("CHAT_OVER_BUDGET", { model, usd, leftUsd: Math.max(0, purse.freeUsd()) });
    if (turns.closed && !spent()) return fault;
    release();
    if (questions !== undefined) {
      meter.lastFault = fault;
      markWaiting("budget");
      return fault;
    }
    markWaiting("stopped");
    meter.spent.abort();
    turns.close();
    return fault;
  };
  const heard = (error: unknown): void => {
    const ms = peaceMs(error);
    if (ms > 0 || purse.refused(error)) markWaiting("waiting");
    else if (isA(error, "CHAT_OVER_BUDGET")) markWaiting("budget");
    if (ms === 0) return;
    peaceUntil = performance.now() + ms;
    if (peaceUntil > (meter.peace?.until ?? 0)) meter.peace = { model, until: peaceUntil };
  };

  const isKnown = (request: ChatRequest): boolean => inner.known?.(request) !== undefined;

  return async (request, signal) => {
    if (isKnown(request)) return inner.ask(request, signal);
    const release = markWaiting("waiting");
    const peace = spent() ? 0 : peaceUntil - performance.now();
    if (peace > 0) throw new Fault("CHAT_BUSY", { model, afterMs: Math.ceil(peace) });
    const usd = price === undefined ? 0 : worstUsd(request, price);
    const turn = await turns.take(usd, signal);
    // Another post's call may have answered it meanwhile.
    if (!turn && !isKnown(request)) throw noTurn(usd, release);
    try {
      // It waited for its turn alone: the post is asked of in another round.
      if (request.deadline !== undefined && request.deadline <= performance.now())
        throw new Fault("CHAT_TIMEOUT", { model, afterMs: 0 });
      release();
      return await watched(() => inner.ask(request, signal), meter);
    } catch (error) {
      heard(error);
      throw error;
    } finally {
      if (turn) turns.end(usd);
    }
  };
}

async function watched(call: () => Promise<ChatAnswer>, meter: Meter): Promise<ChatAnswer> {
  meter.underWay++;
  try {
    return await call();
  } catch (error) {
    const open = isA(error, "CHAT_CIRCUIT_OPEN");
    if (isFault(error) && !(open && meter.lastFault)) meter.lastFault = error;
    if (open) meter.circuitOpen.abort();
    throw error;
  } finally {
    meter.underWay--;
  }
}
