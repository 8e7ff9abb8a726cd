/**
 * What a stage says of one post.
 * - `ok`: the facts it adds;
 * - `pass`: nothing to add, for a reason of a bounded set (a missing picture, a budget that is spent); the post goes on;
 * - `fail`: the post could not be handled; the stage's `onFail` decides what follows.
 */
export type Outcome<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "pass"; readonly reason: string; readonly degraded: boolean }
  | { readonly kind: "fail"; readonly error: Error };

export const ok = <T>(value: T): Outcome<T> => ({ kind: "ok", value });

/** `reason` becomes a metric label: a short word of a fixed set, never text from a post. */
export const pass = (reason: string, degraded = false): Outcome<never> => ({ kind: "pass", reason, degraded });

export const fail = (error: Error): Outcome<never> => ({ kind: "fail", error });

/** The same outcome, with what was made of its value where it has one. */
export const mapOk = <T, U>(outcome: Outcome<T>, change: (value: T) => U): Outcome<U> =>
  outcome.kind === "ok" ? ok(change(outcome.value)) : outcome;
