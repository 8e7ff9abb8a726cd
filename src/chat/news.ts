import { isFault } from "../errors.ts";
import { DENIES, isA } from "./kinds.ts";
import type { Told } from "./options.ts";

/** The same is told this seldom, in milliseconds: a server that is gone would fill the log. */
const SELDOM_MS = 60_000;

export interface News {
  /** The circuit has opened, also after one try more, because of this last failure; or it has closed. */
  circuit(open: boolean, last: unknown): void;
  overBudget(usd: number, leftUsd: number): void;
  /** The server wants to be left alone for `ms`, 0 where it did not say so. */
  peace(ms: number): void;
}

/** A shorter peace ends before anyone could read of it. */
const LONG_MS = 60_000;

/** Warns of what leaves all posts without an answer, and says when it is over. */
export function newsOf(model: string, told: Pick<Told, "warn">): News {
  const due = { circuit: 0, budget: 0 };
  const isDue = (what: keyof typeof due): boolean => {
    const now = Date.now();
    if (now < due[what]) return false;
    due[what] = now + SELDOM_MS;
    return true;
  };
  let openIsTold = false;
  let peaceToldUntil = 0;
  return {
    circuit(open, last) {
      if (open && isDue("circuit")) {
        openIsTold = true;
        told.warn(`the circuit is open: ${whyOf(last)}; nothing is sent but a try now and then`, {
          model,
          ...factsOf(last),
        });
      } else if (!open && openIsTold) {
        openIsTold = false;
        told.warn("the circuit is closed again: the server answers", { model });
      }
    },
    overBudget(usd, leftUsd) {
      if (isDue("budget"))
        told.warn("the day's budget is spent: a call may cost more than is left, so it is not sent", {
          model,
          usd,
          leftUsd,
        });
    },
    peace(ms) {
      const until = Date.now() + ms;
      if (ms < LONG_MS || until < peaceToldUntil + LONG_MS) return;
      peaceToldUntil = until;
      const seconds = Math.ceil(ms / 1000);
      told.warn(`the server wants to be left alone for ${seconds} s (Retry-After); nothing is sent until then`, {
        model,
        seconds,
      });
    },
  };
}

/** The server's own words are left out: some repeat a part of the key. */
function whyOf(error: unknown): string {
  const status = statusOf(error);
  const denies = status !== undefined && isA(error, "CHAT_REFUSED") ? DENIES.get(status) : undefined;
  return denies === undefined ? "the server failed too often" : `the server ${denies} (${status})`;
}

const factsOf = (error: unknown) => {
  const status = statusOf(error);
  return { code: isFault(error) ? error.code : "UNEXPECTED", ...(status !== undefined && { status }) };
};

const statusOf = (error: unknown): number | undefined =>
  isA(error, "CHAT_REFUSED") || isA(error, "CHAT_FAILED") ? error.details.status : undefined;
