import type { Chat } from "../chat.ts";
import type { Measure } from "../metrics/catalogue.ts";
import type { BudgetOptions } from "./budget.ts";
import type { CacheOptions } from "./cache.ts";
import type { CircuitOptions } from "./circuit.ts";

export interface GuardOptions {
  /** The longest that one request may take with all its waits, in milliseconds; its own deadline may be sooner. */
  readonly timeoutMs: number;
  /** Time limit of one call, in milliseconds. */
  readonly attemptMs: number;
  /** Calls for one request, at most. */
  readonly attempts: number;
  /** The first wait between two calls, in milliseconds, doubled each time. */
  readonly backoffMs: number;
  /** The longest of these waits, in milliseconds. */
  readonly maxBackoffMs: number;
  /** Calls under way at once. */
  readonly concurrency: number;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly circuit: CircuitOptions;
  readonly budget?: BudgetOptions | undefined;
  readonly cache: CacheOptions;
}

/** What a guard tells of itself; the core's host has these. */
export interface Told {
  readonly measure: Measure;
  count(name: string, by?: number): void;
  log(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface GuardFigures {
  /** 1 while the circuit is open, or one call tries whether the server is back. */
  readonly circuitOpen: number;
  /** Calls under way. */
  readonly underWay: number;
  /** Of today, in US dollars; absent where there is no budget. */
  readonly budgetLeftUsd?: number;
}

export interface GuardedChat extends Chat {
  readonly guarded: true;
  figures(): GuardFigures;
  close(): Promise<void>;
}
