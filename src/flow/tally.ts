import type { RunSummary } from "./types.ts";

type Counts = Record<string, Record<string, number>>;

/** The counts of one run, while it runs. */
export interface Tally {
  read: number;
  emitted: number;
  records: number;
  deadLettered: number;
  revoked: number;
  redelivered: number;
  unfinished: number;
  peakInFlight: number;
  readonly passed: Counts;
  readonly failed: Counts;
}

export const emptyTally = (): Tally => ({
  read: 0,
  emitted: 0,
  records: 0,
  deadLettered: 0,
  revoked: 0,
  redelivered: 0,
  unfinished: 0,
  peakInFlight: 0,
  passed: {},
  failed: {},
});

export function count(counts: Counts, stage: string, reason: string): void {
  counts[stage] ??= {};
  const reasons = counts[stage];
  reasons[reason] = (reasons[reason] ?? 0) + 1;
}

export const summary = (tally: Tally): RunSummary => structuredClone(tally);
