import { openSpending, type Written } from "./spending.ts";

/** Money is counted in whole billionths of a dollar: a token of the cheapest models costs some fifty of them. */
const NANO = 1e9;
/** Reservations that are written together, at most: the first of them waits until all have come. */
const TOGETHER = 4;
/** How long the true cost of a call may wait to be written together with others, in milliseconds. */
const GATHER_MS = 50;

/** Money put aside for one call. Where it is never settled, because the process was killed, it stays spent. */
export interface Reservation {
  /** Puts what the call really cost in place of what was put aside, in US dollars; never throws. */
  settle(usd: number): void;
}

export interface Budget {
  /**
   * Puts money aside, or answers undefined where less is left today. It is written down before the promise resolves,
   * so that no crash can forget it. Rejects with CHAT_STORE_FAILED.
   */
  reserve(usd: number): Promise<Reservation | undefined>;
  /**
   * Puts money aside under a name that outlives the process; false where less is left today. A name that holds money
   * already keeps what it holds. Throws CHAT_STORE_FAILED.
   */
  hold(name: string, usd: number): boolean;
  /** Puts what was really spent in place of what a name holds, on the day it was put aside; nothing where it holds none. */
  release(name: string, usd: number): void;
  /** Whether so much is probably left; another process may have spent some since this one looked. */
  mayAfford(usd: number): boolean;
  /** Of today, in US dollars; never below 0. */
  leftUsd(): number;
  close(): void;
}

export interface BudgetOptions {
  readonly usdPerDay: number;
  /** Shared by all processes that name it; `:memory:` for this one alone. */
  readonly file: string;
  /** The day it is, of UTC by default; where it is always the same, the money is never there anew. */
  readonly today?: () => string;
}

interface Wish {
  readonly nano: number;
  grant(reservation: Reservation | undefined): void;
  fail(error: unknown): void;
}

/**
 * A budget for each day of UTC, in a file. One transaction serves all who ask in one turn of the event loop. What a call
 * really cost waits for the next one: until then what was put aside for it counts, which is no less. `failed` is told
 * of true costs that could not be written.
 */
export function openBudget({ usdPerDay, file, today = utcDay }: BudgetOptions, failed: (error: Error) => void): Budget {
  const limit = Math.floor(usdPerDay * NANO);
  const spending = openSpending(file);
  let wishes: Wish[] = [];
  let corrections = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  /** As this process saw it last. */
  let seen = { day: "", spent: 0 };

  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    const [wished, corrected, day] = [wishes, corrections, today()];
    if (wished.length === 0 && corrected.size === 0) return;
    [wishes, corrections] = [[], new Map()];
    let written: Written;
    try {
      written = spending.write({ corrections: corrected, day, wishes: wished.map(({ nano }) => nano), limit });
    } catch (error) {
      for (const wish of wished) wish.fail(error);
      // They are not tried again: who knows whether a file that fails has not taken them.
      if (corrected.size > 0) failed(error as Error);
      return;
    }
    seen = { day, spent: written.spent };
    for (const [i, { nano, grant }] of wished.entries())
      grant(written.granted[i] ? reservationOf(nano, day) : undefined);
  };

  const reservationOf = (nano: number, day: string): Reservation => ({
    settle(usd) {
      const change = Math.ceil(usd * NANO) - nano;
      if (change === 0) return;
      corrections.set(day, (corrections.get(day) ?? 0) + change);
      // A call that cost more than it might is never put off; nor is anything once the file is closed.
      if (change > 0 || !spending.isOpen) write();
      else timer ??= setTimeout(write, GATHER_MS);
    },
  });

  const left = (): number => {
    const day = today();
    seen = { day, spent: spending.on(day) };
    return Math.max(0, limit - seen.spent - (corrections.get(day) ?? 0));
  };

  return {
    hold(name, usd) {
      write(); // what calls left may be held
      return spending.hold({ name, day: today(), nano: Math.ceil(usd * NANO), limit });
    },
    release: (name, usd) => spending.release(name, Math.ceil(usd * NANO)),
    async reserve(usd) {
      const nano = Math.ceil(usd * NANO);
      if (nano > limit) return undefined;
      const { promise, resolve: grant, reject: fail } = Promise.withResolvers<Reservation | undefined>();
      wishes.push({ nano, grant, fail });
      if (wishes.length === 1) setImmediate(write);
      else if (wishes.length === TOGETHER) write();
      return promise;
    },
    mayAfford(usd) {
      const nano = Math.ceil(usd * NANO);
      return (seen.day === today() && nano <= limit - seen.spent) || nano <= left();
    },
    leftUsd: () => left() / NANO,
    close() {
      write();
      spending.close();
    },
  };
}

const utcDay = (): string => new Date().toISOString().slice(0, 10);
