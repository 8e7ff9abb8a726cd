import type { Workspace } from "./workspace.ts";

/**
 * The forward-backward pass in logarithms: several times slower than the scaled one, right for any finite scores.
 * It leaves logarithms in `alpha`, `beta` and `weight`, and probabilities in `marginals`. Answers logZ.
 */
export function passInLogSpace(ws: Workspace, emissions: Float32Array, steps: number, temperature: number): number {
  const { tags: K, weight, alpha, beta, marginals } = ws;
  for (let i = 0; i < steps * K; i++) weight[i] = emissions[i]! / temperature;
  forwardLog(ws, steps);
  backwardLog(ws, steps);
  const last = (steps - 1) * K;
  const logZ = logSum(K, (k) => alpha[last + k]! + beta[last + k]!);
  for (let i = 0; i < steps * K; i++) marginals[i] = Math.exp(alpha[i]! + beta[i]! - logZ);
  return logZ;
}

function forwardLog(ws: Workspace, steps: number): void {
  const { tags: K, weight, alpha, logTransitions, logStart } = ws;
  for (let k = 0; k < K; k++) alpha[k] = logStart[k]! + weight[k]!;
  for (let at = K; at < steps * K; at += K) {
    for (let k = 0; k < K; k++) {
      alpha[at + k] = weight[at + k]! + logSum(K, (j) => alpha[at - K + j]! + logTransitions[j * K + k]!);
    }
  }
}

function backwardLog(ws: Workspace, steps: number): void {
  const { tags: K, weight, beta, logTransitions, logEnd } = ws;
  const last = (steps - 1) * K;
  for (let k = 0; k < K; k++) beta[last + k] = logEnd[k]!;
  for (let at = last; at > 0; at -= K) {
    for (let j = 0; j < K; j++) {
      beta[at - K + j] = logSum(K, (k) => logTransitions[j * K + k]! + weight[at + k]! + beta[at + k]!);
    }
  }
}

/** log Σ exp(term(k)); -Infinity where every term is. */
function logSum(count: number, term: (k: number) => number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < count; k++) max = Math.max(max, term(k));
  if (max === Number.NEGATIVE_INFINITY) return max;
  let sum = 0;
  for (let k = 0; k < count; k++) sum += Math.exp(term(k) - max);
  return max + Math.log(sum);
}
