import { likelyTokens, usdOf, worstUsd } from "../chat/cost.ts";
import type { ChatPrice, ChatRequest } from "../chat.ts";
import type { Fault } from "../errors.ts";

/** Tokens that an answer of the usual length has. */
const USUAL_ANSWER = 150;

export interface Meter {
  /** While it is true nothing is sent: every request is measured and refused. */
  estimating: boolean;
  /** Models that were asked, or would have been. */
  readonly models: Set<string>;
  /** Models that stages borrow and that have no price. */
  readonly unpriced: Set<string>;
  /** What was sent, retries included. */
  requests: number;
  /** While estimating: questions that are answered already, or under way. */
  known: number;
  /** While estimating. */
  inputTokens: number;
  outputTokens: number;
  /** What was spent; while estimating: what the requests would probably cost. */
  usd: number;
  /** While estimating: at most. */
  worstUsd: number;
  /** Calls that were sent and not yet answered. */
  underWay: number;
  /** The last failure of a call; that a circuit is open only where nothing else was told before. */
  lastFault: Fault | undefined;
  /** Until when a model wants to be left alone, on the clock of `performance.now()`, and which. */
  peace: { readonly model: string; readonly until: number } | undefined;
  /** Aborts once a guard leaves the model alone: whoever asks on gets nothing. */
  readonly circuitOpen: AbortController;
  /** Aborts once a call may cost more than is left, without batches: then no other is sent. */
  readonly spent: AbortController;
  /** Posts recorded though a stage failed to give what it gives, and how often each stage for which reason. */
  readonly lacking: { posts: number; readonly reasons: Map<string, number> };
}

export function createMeter(): Meter {
  return {
    estimating: false,
    models: new Set(),
    unpriced: new Set(),
    requests: 0,
    known: 0,
    inputTokens: 0,
    outputTokens: 0,
    usd: 0,
    worstUsd: 0,
    underWay: 0,
    lastFault: undefined,
    peace: undefined,
    circuitOpen: new AbortController(),
    spent: new AbortController(),
    lacking: { posts: 0, reasons: new Map() },
  };
}

/** Counts what a request would take. */
export function estimate(price: ChatPrice | undefined, request: ChatRequest, meter: Meter): void {
  const inputTokens = likelyTokens(request, price?.imageTokens) - request.maxTokens;
  const outputTokens = Math.min(request.maxTokens, USUAL_ANSWER);
  meter.requests++;
  meter.inputTokens += inputTokens;
  meter.outputTokens += outputTokens;
  if (price === undefined) return;
  meter.usd += usdOf({ inputTokens, outputTokens }, price);
  meter.worstUsd += worstUsd(request, price);
}
