import { isPassing, peaceMs } from "./kinds.ts";
import { pause } from "./time.ts";

export interface RetryOptions {
  readonly attempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  deadline(): number;
  readonly signal: AbortSignal;
  /** Told before each wait. */
  retrying(error: unknown): void;
}

/**
 * Tries again where that may help, after a wait that doubles and is never shorter than the peace that the server asked
 * for. Gives up at once where the wait would reach past the deadline. The waits end with `signal`, which those of the
 * library for circuits do not.
 */
export async function withRetries<T>(send: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { attempts, deadline, signal, retrying } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (attempt >= attempts || !isPassing(error)) throw error;
      const waitMs = peaceMs(error) + backoff(attempt, options);
      if (performance.now() + waitMs >= deadline()) throw error;
      retrying(error);
      await pause(waitMs, signal);
    }
  }
}

/** Between half and the whole of the doubled wait, so that those who failed together do not come back together. */
function backoff(attempt: number, { backoffMs, maxBackoffMs }: RetryOptions): number {
  const whole = Math.min(maxBackoffMs, backoffMs * 2 ** (attempt - 1));
  return whole / 2 + (Math.random() * whole) / 2;
}
