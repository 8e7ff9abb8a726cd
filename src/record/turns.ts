/** Who may ask now so that all calls under way fit into the money, however badly they go. */
export interface Turns {
  /**
   * Waits until `usd` more fits; false where it never will, for nothing is under way that might give room, or the turns are closed.
   * Whoever got a turn ends it. Rejects once `signal` aborts.
   */
  take(usd: number, signal: AbortSignal): Promise<boolean>;
  end(usd: number): void;
  /** Nobody gets a turn any more. */
  close(): void;
  readonly closed: boolean;
}

interface Waiter {
  readonly usd: number;
  go(turn: boolean): void;
}

/** First come, first served; `leftUsd` tells what is not spent yet. */
export function createTurns(leftUsd: () => number): Turns {
  const queue: Waiter[] = [];
  let taken = 0;
  let underWay = 0;
  let closed = false;

  const serve = (): void => {
    for (let [first] = queue; first !== undefined; [first] = queue) {
      const fits = !closed && taken + first.usd <= leftUsd();
      if (!fits && underWay > 0 && !closed) return;
      queue.shift();
      if (fits) {
        taken += first.usd;
        underWay++;
      }
      first.go(fits);
    }
    // Sums of fractions drift.
    if (underWay === 0) taken = 0;
  };

  return {
    take: (usd, signal) =>
      new Promise((resolve, reject) => {
        const leave = () => {
          queue.splice(queue.indexOf(waiter), 1);
          reject(signal.reason);
          serve();
        };
        const waiter: Waiter = {
          usd,
          go(turn) {
            signal.removeEventListener("abort", leave);
            resolve(turn);
          },
        };
        if (signal.aborted) return reject(signal.reason);
        signal.addEventListener("abort", leave, { once: true });
        queue.push(waiter);
        serve();
      }),
    end(usd) {
      taken -= usd;
      underWay--;
      serve();
    },
    close() {
      closed = true;
      serve();
    },
    get closed() {
      return closed;
    },
  };
}
