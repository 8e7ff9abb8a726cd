import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  SamplingBreaker,
} from "cockatiel";
import { Fault } from "../errors.ts";
import { answers, isOutage } from "./kinds.ts";

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

/** Leaves a server alone that fails, and tries by one call at a time whether it is back. */
export function createCircuit(model: string, options: CircuitOptions, told: (open: boolean) => void): Circuit {
  const { failures, share, windowMs, openMs } = options;
  const breaker =
    share === undefined
      ? new ConsecutiveBreaker(failures)
      : new SamplingBreaker({ threshold: share, duration: windowMs, minimumRps: failures / (windowMs / 1000) });
  const policy = circuitBreaker(
    // The library takes an error that it does not handle for a sign of life; while it probes, only an answer is one.
    handleWhen((error) => isOutage(error) || (policy.state === CircuitState.HalfOpen && !answers(error))),
    { breaker, halfOpenAfter: openMs },
  );
  let probeAt = 0;
  policy.onBreak(() => {
    probeAt = Date.now() + openMs;
    told(true);
  });
  policy.onReset(() => told(false));

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
