/**
 * Random numbers as a function of their place: seed, purpose and counters in, 32 bits out. There is no hidden state,
 * so a run that knows its epoch and step draws what a run that never stopped would draw.
 */
export type Purpose = "order" | "batches" | "captions" | "knowledge";

const purposes: Readonly<Record<Purpose, number>> = { order: 1, batches: 2, captions: 3, knowledge: 4 };

/** The finaliser of MurmurHash3: every input bit moves every output bit. */
function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 32 random bits at a place. */
export const bitsAt = (seed: number, purpose: Purpose, ...counters: readonly number[]): number =>
  counters.reduce((h, counter) => mix(h ^ mix(counter + 0x9e3779b9)), mix(mix(seed + 0x9e3779b9) ^ purposes[purpose]));

/** In [0, 1). */
export const uniformAt = (seed: number, purpose: Purpose, ...counters: readonly number[]): number =>
  bitsAt(seed, purpose, ...counters) / 2 ** 32;

/** A shuffled copy (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], seed: number, purpose: Purpose, epoch: number): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(uniformAt(seed, purpose, epoch, i) * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
