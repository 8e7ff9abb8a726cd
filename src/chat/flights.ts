import { after } from "./time.ts";

/** One piece of work that several may wait for. */
export interface Flight {
  /** When it began, on the clock of `performance.now()`. */
  readonly begun: number;
  /** Aborted once nobody waits any more, with the reason of the last who left. */
  readonly signal: AbortSignal;
  /** The latest deadline of those who wait, on the clock of `performance.now()`. */
  deadline(): number;
}

export interface Waiter {
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** What is thrown where the deadline passes. */
  late(): Error;
}

interface InFlight<T> extends Flight {
  readonly result: Promise<T>;
  readonly waiting: Set<Waiter>;
  abandon(reason: unknown): void;
}

/** Single flight: whoever asks for what is under way already waits for the same answer. */
export function createFlights<T>() {
  const flights = new Map<string, InFlight<T>>();

  function takeOff(key: string | undefined, first: Waiter, work: (flight: Flight) => Promise<T>): InFlight<T> {
    const controller = new AbortController();
    const waiting = new Set([first]);
    let latest = first.deadline;
    const flight: Flight = {
      begun: performance.now(),
      signal: controller.signal,
      deadline: () => {
        for (const { deadline } of waiting) latest = Math.max(latest, deadline);
        return latest;
      },
    };
    const land = () => {
      if (key !== undefined && flights.get(key)?.waiting === waiting) flights.delete(key);
    };
    const inFlight: InFlight<T> = {
      ...flight,
      waiting,
      result: work(flight).finally(land),
      abandon(reason) {
        land();
        controller.abort(reason);
      },
    };
    inFlight.result.catch(() => {}); // those who wait are told; nobody may be left
    if (key !== undefined) flights.set(key, inFlight);
    return inFlight;
  }

  return {
    /** Whether work of this key is under way. */
    has: (key: string): boolean => flights.has(key),
    /** Waits for the work of `key`, begun here unless it is under way; without a key it is always begun. */
    join(key: string | undefined, waiter: Waiter, work: (flight: Flight) => Promise<T>): Promise<T> {
      const known = key === undefined ? undefined : flights.get(key);
      known?.waiting.add(waiter);
      return waitFor(known ?? takeOff(key, waiter, work), waiter);
    },
  };
}

/** Each waits until its own deadline, or until its own signal aborts. */
function waitFor<T>(flight: InFlight<T>, waiter: Waiter): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const leave = (reason: unknown) => {
      done();
      flight.waiting.delete(waiter);
      reject(reason);
      if (flight.waiting.size === 0) flight.abandon(reason);
    };
    const aborted = () => leave(waiter.signal.reason);
    const cancel = after(waiter.deadline - performance.now(), () => leave(waiter.late()));
    const done = () => {
      cancel();
      waiter.signal.removeEventListener("abort", aborted);
    };
    waiter.signal.addEventListener("abort", aborted, { once: true });
    flight.result.then(
      (value) => {
        done();
        resolve(value);
      },
      (error) => {
        done();
        reject(error);
      },
    );
  });
}
