import type { Chat, ChatAnswer, ChatRequest } from "../chat.ts";
import { Fault, isFault } from "../errors.ts";
import type { Flight } from "./flights.ts";
import { Abandoned } from "./kinds.ts";
import { after } from "./time.ts";

export interface Attempt {
  readonly chat: Chat;
  readonly request: ChatRequest;
  readonly flight: Flight;
  /** Time limit, in milliseconds. */
  readonly attemptMs: number;
}

/** One call, ended by its time limit, or when nobody waits any more. */
export async function attempt({ chat, request, flight, attemptMs }: Attempt): Promise<ChatAnswer> {
  const begun = performance.now();
  const controller = new AbortController();
  const abandon = () => controller.abort(abandonedBy(flight, begun));
  if (flight.signal.aborted) abandon();
  flight.signal.addEventListener("abort", abandon, { once: true });
  const cancel = after(attemptMs, () =>
    controller.abort(new Fault("CHAT_TIMEOUT", { model: chat.model, afterMs: attemptMs })),
  );
  // Who asks for the same later may wait longer than who asked first: the signal says when it is too late for all.
  const { deadline: _, ...asked } = request;
  try {
    controller.signal.throwIfAborted();
    return await chat.ask(asked, controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    cancel();
    flight.signal.removeEventListener("abort", abandon);
  }
}

/** The server is to blame for a deadline that passed only where it had most of the time that there was. */
function abandonedBy(flight: Flight, begun: number): unknown {
  const { reason } = flight.signal;
  const now = performance.now();
  const isLate = isFault(reason) && reason.code === "CHAT_TIMEOUT";
  return isLate && 2 * (now - begun) >= now - flight.begun ? reason : new Abandoned(reason);
}
