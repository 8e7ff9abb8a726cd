import type { Arena } from "./parameters.ts";
import type { Arenas } from "./start.ts";

/** Running mean of the weights, which is what a run with `average` tags with and saves. */
export interface Average {
  /** The arenas, with the mean in place of the weights. */
  readonly arenas: Arenas;
  /** Told of update `step`, from 1, once it is made. */
  follow(step: number): void;
}

/** The mean is moved once in so many updates: a pass over it costs as much as one over the weights. */
const EVERY = 8;

/**
 * Exponential moving average with `decay` an update: mean ← d · mean + (1 − d) · weights. It evens out the noise of
 * single steps, which a short training has a lot of (Polyak and Juditsky 1992; decays of 0.998 to 0.9999 are usual).
 * d rises from 1/10 to `decay` as (1 + n) / (10 + n) in the n-th move, so that the start is soon forgotten.
 */
export function createAverage(arenas: Arenas, decay: number): Average {
  const mean = { tables: meanOf(arenas.tables), dense: meanOf(arenas.dense) };
  return {
    arenas: mean,
    follow(step) {
      if (step % EVERY !== 0) return;
      const moves = step / EVERY;
      const keep = Math.min(decay ** EVERY, (1 + moves) / (10 + moves));
      for (const name of ["tables", "dense"] as const) move(mean[name].weights, arenas[name].weights, 1 - keep);
    },
  };
}

const meanOf = (arena: Arena): Arena => {
  const weights = new Float32Array(new SharedArrayBuffer(arena.weights.byteLength));
  weights.set(arena.weights);
  return { ...arena, weights };
};

function move(mean: Float32Array, weights: Float32Array, share: number): void {
  for (let i = 0; i < mean.length; i++) mean[i] = mean[i]! + share * (weights[i]! - mean[i]!);
}
