import type { Ready } from "./messages.ts";
import { isCpu } from "./provider.ts";

/** What runs well together. */
export interface Grouping {
  /** Rows of one run, at most. */
  readonly batch: number;
  /** Sub-words of padding that a row may cost the others of its run. */
  readonly padding: number;
}

/** On a CPU a run of its own costs about as much as four sub-words; elsewhere runs are dear and padding is cheap. */
export const groupingOf = ({ provider, batch }: Pick<Ready, "provider" | "batch">): Grouping => ({
  batch,
  padding: isCpu(provider) ? 4 : Number.POSITIVE_INFINITY,
});

/** Where rows in the order of their length are parted into runs: the end of each. */
export function endsOfRuns(lengths: readonly number[], { batch, padding }: Grouping): number[] {
  const ends: number[] = [];
  let from = 0;
  for (let at = 1; at <= lengths.length; at++) {
    const full = at - from === batch;
    const costs = at < lengths.length && (lengths[at]! - lengths[at - 1]!) * (at - from) > padding;
    if (!full && !costs && at < lengths.length) continue;
    ends.push(at);
    from = at;
  }
  return ends;
}
