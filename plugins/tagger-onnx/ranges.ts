import type { Batch } from "./batch.ts";
import type { Graph } from "./graph/graph.ts";
import { openProbe } from "./probe.ts";

/** Where the values of an activation lie; 0 is always inside. */
export interface Range {
  readonly lowest: number;
  readonly highest: number;
}

/**
 * Runs an fp32 graph over `batches` and finds, for each of `values`, the range that 256 steps serve best: the one with the
 * least squared error over all that was seen, where what lies beyond it takes its end. A few values of an encoder are many
 * times as large as the rest; a range that held them would leave few steps to all others.
 */
export async function measureRanges(
  graph: Graph,
  values: readonly string[],
  batches: readonly Batch[],
): Promise<Map<string, Range>> {
  if (values.length === 0) return new Map();
  const probe = await openProbe(graph, values, batches);
  try {
    const whole = new Map<string, Range>();
    await probe.eachBatch((name, seen) => whole.set(name, widened(whole.get(name), seen)));
    const histograms = new Map([...whole].map(([name, range]) => [name, createHistogram(range)]));
    await probe.eachBatch((name, seen) => histograms.get(name)!.add(seen));
    return new Map([...histograms].map(([name, histogram]) => [name, leastError(histogram)]));
  } finally {
    await probe.close();
  }
}

function widened(known: Range | undefined, seen: Float32Array): Range {
  let { lowest, highest } = known ?? { lowest: 0, highest: 0 };
  for (const value of seen) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return { lowest, highest };
}

const BINS = 2048;

interface Histogram {
  readonly range: Range;
  /** How many values fell into each of `BINS` bins of one width. */
  readonly counts: Float64Array;
  readonly width: number;
  add(seen: Float32Array): void;
}

function createHistogram(range: Range): Histogram {
  const counts = new Float64Array(BINS);
  const width = (range.highest - range.lowest) / BINS;
  return {
    range,
    counts,
    width,
    add(seen) {
      if (width === 0) return;
      for (const value of seen) counts[Math.min(BINS - 1, Math.floor((value - range.lowest) / width))]!++;
    },
  };
}

/** Shares of the whole range that either end is tried at. */
const SHARES = Array.from({ length: 17 }, (_, i) => 1 - i / 20);

function leastError(histogram: Histogram): Range {
  const { range } = histogram;
  const tried = SHARES.flatMap((low) =>
    SHARES.map((high) => ({ lowest: low * range.lowest, highest: high * range.highest })),
  );
  let best = { range, error: Number.POSITIVE_INFINITY };
  for (const one of tried) {
    const error = errorOf(one, histogram);
    if (error < best.error) best = { range: one, error };
  }
  return best.range;
}

/** Squared error of rounding inside the range, a twelfth of a step's square for each value, and of what lies beyond. */
function errorOf({ lowest, highest }: Range, { range, counts, width }: Histogram): number {
  const rounding = ((highest - lowest) / 255) ** 2 / 12;
  let error = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const value = range.lowest + (bin + 0.5) * width;
    const beyond = Math.max(0, lowest - value, value - highest);
    error += counts[bin]! * (beyond === 0 ? rounding : beyond ** 2);
  }
  return error;
}
