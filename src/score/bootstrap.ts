import { prf, type Tally } from "./tally.ts";

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  readonly rounds?: number;
  readonly seed?: number;
  /** Share of the rounds that the interval holds, 0 to 1. */
  readonly level?: number;
}

/**
 * Percentile bootstrap interval of micro F1 (0 to 1): posts are drawn again with replacement, `rounds` times.
 * The same tallies, rounds and seed give the same interval.
 */
export function bootstrapF1(tallies: readonly Tally[], options: BootstrapOptions = {}): Interval {
  const { rounds = 1000, seed = 1, level = 0.95 } = options;
  const random = mulberry32(seed);
  const f1s = Float64Array.from({ length: rounds }, () => prf(redraw(tallies, random)).f1).sort();
  const tail = (1 - level) / 2;
  return { low: quantile(f1s, tail), high: quantile(f1s, 1 - tail) };
}

function redraw(tallies: readonly Tally[], random: () => number): Tally {
  const total = { correct: 0, predicted: 0, gold: 0 };
  for (let draw = 0; draw < tallies.length; draw++) {
    const tally = tallies[Math.floor(random() * tallies.length)]!;
    total.correct += tally.correct;
    total.predicted += tally.predicted;
    total.gold += tally.gold;
  }
  return total;
}

/** Linear between the two nearest values of a sorted array. */
function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return 0;
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}

/** Mulberry32: a 32-bit generator of uniform numbers in [0, 1), enough for resampling. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
