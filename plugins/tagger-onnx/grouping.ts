import type { Ready } from "./messages.ts";
import { isCpu } from "./provider.ts";

/** What runs well together. */
export interface Grouping {
  /** Rows of one run, at most. */
  readonly batch: number;
  /** What a run costs beside its rows, in sub-words. */
  readonly overhead: number;
}

/**
 * On a CPU a run of its own costs about as much as six sub-words (0.22 ms beside 0.04 ms each, in MiniLM with int8);
 * elsewhere runs are dear and padding is cheap.
 */
export const groupingOf = ({ provider, batch }: Pick<Ready, "provider" | "batch">): Grouping => ({
  batch,
  overhead: isCpu(provider) ? 6 : 4_096,
});

/** Sub-words that one run takes as long as: its rows are padded to the longest. */
export const costOfRun = (rows: number, longest: number, { overhead }: Grouping): number => overhead + rows * longest;

/** Where rows in the order of their length are best parted into runs: the end of each, for the least cost in all. */
export function endsOfRuns(lengths: readonly number[], grouping: Grouping): number[] {
  /** Least cost of the rows up to each, and where the last of their runs begins. */
  const [least, starts] = [[0], [0]];
  for (let end = 1; end <= lengths.length; end++) {
    const longest = lengths[end - 1]!;
    least[end] = Number.POSITIVE_INFINITY;
    for (let start = Math.max(0, end - grouping.batch); start < end; start++) {
      const cost = least[start]! + costOfRun(end - start, longest, grouping);
      if (cost < least[end]!) [least[end], starts[end]] = [cost, start];
    }
  }
  const ends: number[] = [];
  for (let end = lengths.length; end > 0; end = starts[end]!) ends.unshift(end);
  return ends;
}
