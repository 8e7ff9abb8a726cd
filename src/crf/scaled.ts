import { Fault } from "../errors.ts";
import type { Workspace } from "./workspace.ts";

/** Below this a probability may have lost paths to underflow; the pass is then made again in log space. */
const smallest = 1e-200;

/**
 * exp((emissions - the row's peak) / temperature) into `weight`, the peak over temperature into `peak`.
 * Throws NOT_A_NUMBER for an emission that is not finite.
 */
export function weigh(ws: Workspace, emissions: Float32Array, steps: number, temperature: number): void {
  const { tags: K, weight, peak } = ws;
  const inverse = 1 / temperature;
  for (let i = 0, at = 0; i < steps; i++, at += K) {
    let max = emissions[at]!;
    let sum = max;
    for (let k = 1; k < K; k++) {
      const e = emissions[at + k]!;
      sum += e;
      if (e > max) max = e;
    }
    if (!Number.isFinite(sum)) throw new Fault("NOT_A_NUMBER", { what: "an emission", where: `word ${i}` });
    peak[i] = max * inverse;
    for (let k = 0; k < K; k++) weight[at + k] = Math.exp((emissions[at + k]! - max) * inverse);
  }
}

/** alpha[i, k] ∝ the weight of all path prefixes that end in tag k at step i; each row sums to 1. False on underflow. */
export function forward(ws: Workspace, steps: number): boolean {
  const { tags: K, weight, alpha, scale, toMajor, start } = ws;
  const { constrained } = ws.made;
  let low = Number.POSITIVE_INFINITY;
  for (let i = 0, at = 0; i < steps; i++, at += K) {
    let sum = 0;
    for (let k = 0; k < K; k++) {
      let mass = start[k]!;
      if (i > 0) {
        // Barred, I-t is reached from B-t, one tag below, and from itself alone.
        const narrow = constrained && k > 0 && (k & 1) === 0;
        const to = narrow ? k + 1 : K;
        mass = 0;
        for (let j = narrow ? k - 1 : 0, from = at - K, t = k * K; j < to; j++)
          mass += alpha[from + j]! * toMajor[t + j]!;
      }
      const value = mass * weight[at + k]!;
      alpha[at + k] = value;
      sum += value;
    }
    const inverse = 1 / sum;
    scale[i] = sum;
    for (let k = 0; k < K; k++) {
      const value = alpha[at + k]! * inverse;
      alpha[at + k] = value;
      // A start that BIO2 bars is a true zero; any other value this small is underflow.
      if (!(value >= low) && (i > 0 || start[k] !== 0)) low = value;
    }
  }
  return low >= smallest;
}

/** beta[i, j] ∝ the weight of all path suffixes after tag j at step i, scaled so that alpha × beta are marginals. */
export function backward(ws: Workspace, steps: number): boolean {
  const { tags: K, weight, alpha, beta, marginals, scale, fromMajor, end, scores } = ws;
  let low = Number.POSITIVE_INFINITY;
  const last = (steps - 1) * K;
  let mass = 0;
  for (let k = 0; k < K; k++) mass += alpha[last + k]! * end[k]!;
  for (let k = 0; k < K; k++) beta[last + k] = end[k]! / mass;
  for (let i = steps - 1, at = last; i > 0; i--, at -= K) {
    const inverse = 1 / scale[i]!;
    for (let k = 0; k < K; k++) scores[k] = weight[at + k]! * beta[at + k]! * inverse;
    for (let j = 0; j < K; j++) {
      let sum = 0;
      for (let k = 0, t = j * K; k < K; k++) sum += fromMajor[t + k]! * scores[k]!;
      beta[at - K + j] = sum;
      if (!(sum >= low)) low = sum;
    }
  }
  for (let i = 0; i < steps * K; i++) marginals[i] = alpha[i]! * beta[i]!;
  return low >= smallest;
}

/** Log-sum over all paths, from the scales of a pass that did not underflow. */
export function logZScaled(ws: Workspace, steps: number): number {
  const { tags: K, alpha, scale, peak, end } = ws;
  let mass = 0;
  for (let k = 0; k < K; k++) mass += alpha[(steps - 1) * K + k]! * end[k]!;
  let total = Math.log(mass);
  for (let i = 0; i < steps; i++) total += peak[i]! + Math.log(scale[i]!);
  return total;
}
