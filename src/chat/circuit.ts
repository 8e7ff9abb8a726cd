import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  type IBreaker,
  SamplingBreaker,
} from "cockatiel";
import { Fault } from "../errors.ts";
import { answers, isDenial, isOutage } from "./kinds.ts";

export interface CircuitOptions {
  /** Failed calls in a row that open it; with `share`, the fewest calls in `windowMs` that can. */
  readonly failures: number;
  /** Share of the calls of `windowMs` that must fail instead, between 0 and 1. */
  readonly share?: number | undefined;
  readonly windowMs: number;
  /** How long it stays open before one call tries whether the server is back. */
  readonly openMs: number;
}

export interface Circuit {
  readonly open: boolean;
  /** Throws CHAT_CIRCUIT_OPEN where a call would not be let through now. */
  check(): void;
  /** Sends through the circuit, and learns from how it ends. */
  run<T>(send: () => Promise<T>): Promise<T>;
}

/** Hears of a change with the last failure before it. */
export type TellCircuit = (open: boolean, last: unknown) => void;

/** Leaves a server alone that fails, and tries by one call at a time whether it is back. */
export function createCircuit(model: string, options: CircuitOptions, told: TellCircuit): Circuit {
  const { openMs } = options;
  let last: unknown;
  let denied = false;
  const breaker = breakerOf(options, () => denied);
  const policy = circuitBreaker(
    // The library takes an error that it does not handle for a sign of life; while it probes, only an answer is one.
    handleWhen((error) => {
      const failed = isOutage(error) || (policy.state === CircuitState.HalfOpen && !answers(error));
      if (failed) last = error;
      denied ||= isDenial(error);
      return failed;
    }),
    { breaker, halfOpenAfter: openMs },
  );
  let probeAt = 0;
  policy.onBreak(() => {
    probeAt = Date.now() + openMs;
    told(true, last);
  });
  policy.onReset(() => {
    denied = false;
    told(false, last);
  });

  const closed = () => policy.state === CircuitState.Closed;
  const refusal = (cause?: unknown) => new Fault("CHAT_CIRCUIT_OPEN", { model }, { cause });
  const check = () => {
    if (closed()) return;
    // While a probe is under way the library lets others wait for its end; a post has no time for that.
    if (policy.state !== CircuitState.Open || Date.now() < probeAt) throw refusal();
  };

  return {
    get open() {
      return !closed();
    },
    check,
    async run(send) {
      check();
      try {
        return await policy.execute(send);
      } catch (error) {
        throw error instanceof BrokenCircuitError ? refusal(error) : error;
      }
    },
  };
}

/** The library's breaker, opened before its time where `atOnce` says so. */
function breakerOf({ failures, share, windowMs }: CircuitOptions, atOnce: () => boolean): IBreaker {
  const breaker =
    share === undefined
      ? new ConsecutiveBreaker(failures)
      : new SamplingBreaker({ threshold: share, duration: windowMs, minimumRps: failures / (windowMs / 1000) });
  return {
    get state() {
      return breaker.state;
    },
    set state(state: unknown) {
      Object.assign(breaker, { state });
    },
    success: (state) => breaker.success(state),
    failure: (state) => breaker.failure(state) || atOnce(),
  };
}
