import { type Crf, pathScore } from "./crf.ts";
import { logZ } from "./marginals.ts";
import { isLegal } from "./tags.ts";
import { createWorkspace } from "./workspace.ts";

/** A held-out post: emissions row-major [steps × K] and one gold tag a step. */
export interface Example {
  readonly emissions: Float32Array;
  readonly steps: number;
  readonly gold: ArrayLike<number>;
}

/** Bounds of the search, as ln T: 1/20 to 20. */
const widest = Math.log(20);

/**
 * The temperature that makes held-out gold most likely among legal paths. The negative log-likelihood is convex in
 * 1/T, so it has one valley and a golden-section search finds it, to 0.1%. Examples whose gold BIO2 bars say nothing
 * (their probability is 0 at any T) and are left out; without any example the answer is 1.
 */
export function fitTemperature(crf: Crf, examples: readonly Example[]): number {
  const legal = examples.filter(({ gold, steps }) => steps > 0 && isLegal(gold, steps));
  if (legal.length === 0) return 1;
  const ws = createWorkspace();
  const nll = (lnT: number): number => {
    const temperature = Math.exp(lnT);
    const of = { temperature, constrained: true };
    return legal.reduce((sum, { emissions, steps, gold }) => {
      return sum + logZ(crf, emissions, steps, of, ws) - pathScore(crf, emissions, gold, steps) / temperature;
    }, 0);
  };
  return Math.exp(goldenSection(nll, -widest, widest, 1e-3));
}

/** Minimum of a function with one valley. */
function goldenSection(f: (x: number) => number, from: number, to: number, within: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [from, to];
  let [c, d] = [b - ratio * (b - a), a + ratio * (b - a)];
  let [fc, fd] = [f(c), f(d)];
  while (b - a > within) {
    if (fc < fd) {
      [b, d, fd] = [d, c, fc];
      c = b - ratio * (b - a);
      fc = f(c);
    } else {
      [a, c, fc] = [c, d, fd];
      d = a + ratio * (b - a);
      fd = f(d);
    }
  }
  return (a + b) / 2;
}
