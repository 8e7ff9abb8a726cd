/**
 * Jensen-Shannon divergence of two distributions over the same buckets, in bits: 0 where they are equal, 1 where they
 * share nothing. Inputs are counts or shares and need not sum to 1; 0 where one of them is empty.
 * Lin, "Divergence measures based on the Shannon entropy", 1991.
 */
export function jensenShannon(p: readonly number[], q: readonly number[]): number {
  const [sumP, sumQ] = [total(p), total(q)];
  if (sumP <= 0 || sumQ <= 0) return 0;
  let bits = 0;
  for (let i = 0; i < Math.max(p.length, q.length); i++) {
    const [a, b] = [(p[i] ?? 0) / sumP, (q[i] ?? 0) / sumQ];
    const middle = (a + b) / 2;
    if (a > 0) bits += (a / 2) * Math.log2(a / middle);
    if (b > 0) bits += (b / 2) * Math.log2(b / middle);
  }
  return Math.min(1, Math.max(0, bits));
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

export interface Noise {
  /** Buckets that either side uses. */
  readonly buckets: number;
  /** What was counted on each side: posts, mentions or words. */
  readonly live: number;
  readonly reference: number;
  /** How much wider counts scatter than independent ones, because those of one post go together; 1 where they do not. */
  readonly spread: number;
}

/** One window in thirty thousand passes this by chance alone. */
const SURE = 3.99;

/**
 * The divergence that two samples of one population stay below, but for about one window in thirty thousand. For small
 * differences 8 ln 2 · n m / (n + m) · JS is distributed as chi-square with one degree of freedom less than buckets; its
 * quantile is Wilson and Hilferty's (1931).
 */
export function noiseOf({ buckets, live, reference, spread }: Noise): number {
  const freedom = Math.max(1, buckets - 1);
  const cube = 1 - 2 / (9 * freedom) + SURE * Math.sqrt(2 / (9 * freedom));
  const chiSquare = freedom * cube ** 3;
  return Math.min(1, (spread * chiSquare * (1 / live + 1 / reference)) / (8 * Math.LN2));
}
