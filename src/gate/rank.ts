/**
 * Ranks numbers among the last `size` ones, between 0 for the least and 1 for the greatest; equal ones share the middle of
 * their ranks. Starts as if it had seen `spread`,
 * evenly, so that the first numbers are ranked as well.
 */
export function runningRank(spread: readonly number[], size: number): (value: number) => number {
  const ring = Array.from({ length: size }, (_, i) => between(spread, i / (size - 1)));
  const sorted = [...ring].sort((a, b) => a - b);
  // Old ones leave in an order that has nothing to do with their rank.
  const leaving = ring.map((_, i) => ring[(i * stride(size)) % size]!);
  let at = 0;
  return (value) => {
    const low = lowerBound(sorted, value);
    const rank = (low + (upperBound(sorted, value) - low + 1) / 2) / (size + 1);
    sorted.splice(lowerBound(sorted, leaving[at]!), 1);
    sorted.splice(lowerBound(sorted, value), 0, value);
    leaving[at] = value;
    at = (at + 1) % size;
    return rank;
  };
}

/** About 0.618 of the size, and prime to it: each place is visited once. */
function stride(size: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  let step = Math.max(1, Math.round(size * 0.618));
  while (gcd(step, size) !== 1) step++;
  return step;
}

function between(spread: readonly number[], share: number): number {
  const place = share * (spread.length - 1);
  const low = spread[Math.floor(place)]!;
  return low + (spread[Math.ceil(place)]! - low) * (place % 1);
}

const lowerBound = (sorted: readonly number[], value: number) => bound(sorted, (other) => other < value);
const upperBound = (sorted: readonly number[], value: number) => bound(sorted, (other) => other <= value);

/** How many numbers from the first on are `before`. */
function bound(sorted: readonly number[], before: (other: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(sorted[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}
