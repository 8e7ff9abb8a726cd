import { type Fault, isFault } from "../errors.ts";

/** Nobody waited any longer; says nothing of the server. */
export class Abandoned extends Error {
  readonly reason: unknown;
  constructor(reason: unknown) {
    super("nobody waits for the answer any more");
    this.reason = reason;
  }
}

export const isA = <C extends Fault["code"]>(error: unknown, code: C): error is Fault<C> =>
  isFault(error) && error.code === code;

/** Whether another call may do better where this one failed. */
export const isPassing = (error: unknown): boolean =>
  isFault(error) && error.retry && /^CHAT_(BUSY|FAILED|GARBLED|TIMEOUT|UNREACHABLE)$/.test(error.code);

/** How long the server wants to be left alone, in milliseconds; 0 where it does not say. */
export const peaceMs = (error: unknown): number => (isA(error, "CHAT_BUSY") ? (error.details.afterMs ?? 0) : 0);

/** Statuses by which a server refuses every request alike: credentials, money, permission, a model that it has not. */
const REFUSES_ALL = new Set([401, 402, 403, 404, 429]);

/** Those of them that no waiting mends, in words; see `isDenial` for those of which one is enough. */
export const DENIES: ReadonlyMap<number, string> = new Map([
  [401, "refuses the key"],
  [402, "wants money"],
  [403, "refuses permission"],
  [404, "does not have the model"],
]);

/**
 * Whether one such failure is enough to leave the server alone: each other request would end alike. Not 403, which some
 * gateways answer to a single request that they moderate: one hostile post must not close the model to all others.
 */
export const isDenial = (error: unknown): boolean =>
  isA(error, "CHAT_REFUSED") && (error.details.status === 401 || error.details.status === 402);

/**
 * Whether a failure says that the server is of no use now, whatever it is asked. One that is busy, and says until when,
 * is not out of order.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof Abandoned) return false;
  if (!isFault(error)) return true;
  if (isA(error, "CHAT_BUSY")) return error.details.afterMs === null;
  if (isA(error, "CHAT_REFUSED")) return REFUSES_ALL.has(error.details.status);
  return isPassing(error);
}

/** Whether the server itself gave this answer to this request, and would answer another. */
export const answers = (error: unknown): boolean =>
  (isA(error, "CHAT_BUSY") || isA(error, "CHAT_REFUSED")) && !isOutage(error);

/** A proxy gave up while the model may have gone on. */
const GAVE_UP = new Set([408, 499, 504, 524]);

/** Whether a failed call surely cost nothing: no answer was made. */
export function isFree(error: unknown): boolean {
  if (isA(error, "CHAT_BUSY") || isA(error, "CHAT_REFUSED")) return true;
  if (isA(error, "CHAT_CIRCUIT_OPEN") || isA(error, "CHAT_OVER_BUDGET")) return true;
  if (isA(error, "CHAT_FAILED")) return !GAVE_UP.has(error.details.status);
  return isA(error, "CHAT_UNREACHABLE") && error.details.sent === false;
}
