import { Fault } from "../errors.ts";
import { pause } from "./time.ts";

/**
 * A bucket that fills evenly and may be overdrawn: who takes more than is in it waits until the debt is paid, so that
 * those who come later wait longer. It holds what one second brings.
 */
function createBucket(perMinute: number) {
  const perMs = perMinute / 60_000;
  const most = Math.max(1, perMinute / 60);
  let level = most;
  let at = performance.now();
  const fill = () => {
    const now = performance.now();
    level = Math.min(most, level + (now - at) * perMs);
    at = now;
  };
  return {
    /** Takes `amount`; answers how long the taker has to wait, in milliseconds. */
    take(amount: number): number {
      fill();
      const had = level;
      level -= amount;
      // One that takes more than a whole bucket goes once the bucket is full.
      const short = Math.min(amount, most) - had;
      return short <= 0 ? 0 : short / perMs;
    },
    giveBack(amount: number): void {
      fill();
      level = Math.min(most, level + amount);
    },
  };
}

export interface LimitOptions {
  readonly model: string;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
}

/** Requests and tokens of this process per minute, and the peace that a server asked for. */
export function createLimits({ model, requestsPerMinute, tokensPerMinute }: LimitOptions) {
  const requests = requestsPerMinute === undefined ? undefined : createBucket(requestsPerMinute);
  const tokens = tokensPerMinute === undefined ? undefined : createBucket(tokensPerMinute);
  let peaceUntil = Number.NEGATIVE_INFINITY;

  return {
    /**
     * Waits for its turn, and answers whether it had to. Throws CHAT_BUSY at once where that would come
     * after the deadline; what was taken is given back where it is not used.
     */
    async admit(amount: number, deadline: () => number, signal: AbortSignal): Promise<boolean> {
      const from = performance.now();
      let waited = false;
      const turn = from + Math.max(requests?.take(1) ?? 0, tokens?.take(amount) ?? 0);
      try {
        for (let now = from; now < Math.max(turn, peaceUntil); now = performance.now()) {
          const afterMs = Math.max(turn, peaceUntil) - now;
          if (now + afterMs >= deadline()) throw new Fault("CHAT_BUSY", { model, afterMs: Math.ceil(afterMs) });
          waited = true;
          await pause(afterMs, signal);
        }
      } catch (reason) {
        requests?.giveBack(1);
        tokens?.giveBack(amount);
        throw reason;
      }
      return waited;
    },
    /** An answer took other than was foreseen. */
    correct(foreseen: number, taken: number): void {
      tokens?.giveBack(foreseen - taken);
    },
    /** The server wants nothing for `ms`. */
    keepPeace(ms: number): void {
      peaceUntil = Math.max(peaceUntil, performance.now() + ms);
    },
  };
}

export type Limits = ReturnType<typeof createLimits>;
