import type { Crf } from "./crf.ts";
import { passInLogSpace } from "./log-space.ts";
import { backward, forward, logZScaled, weigh } from "./scaled.ts";
import { createWorkspace, type Distribution, plain, prepare, reserve, type Workspace } from "./workspace.ts";

/**
 * Forward-backward over one post; leaves tag marginals in `ws.marginals` and what spans and pairs need beside them.
 * `emissions` is row-major [steps × K] and only read. It works in probability space with scaled rows and turns to
 * log space where a probability underflows, so that scores of any finite size are safe.
 */
export function infer(ws: Workspace, crf: Crf, emissions: Float32Array, steps: number, of: Distribution): void {
  reserve(ws, crf.tags, steps);
  prepare(ws, crf, of);
  ws.inLogSpace = false;
  if (steps === 0) return;
  weigh(ws, emissions, steps, of.temperature);
  if (!ws.steep && forward(ws, steps) && backward(ws, steps)) return;
  ws.inLogSpace = true;
  ws.scale[0] = passInLogSpace(ws, emissions, steps, of.temperature);
}

/** logZ of the pass that `infer` made last. */
export const inferredLogZ = (ws: Workspace, steps: number): number => {
  if (steps === 0) return 0;
  return ws.inLogSpace ? ws.scale[0]! : logZScaled(ws, steps);
};

/** Log-sum over all tag paths, in nats. `emissions` is row-major [steps × K]; it is read, never kept. */
export function logZ(crf: Crf, emissions: Float32Array, steps: number, of = plain, ws = createWorkspace()): number {
  infer(ws, crf, emissions, steps, of);
  return inferredLogZ(ws, steps);
}

/** Probability of each tag at each step, row-major [steps × K]; every row sums to 1. */
export function marginals(
  crf: Crf,
  emissions: Float32Array,
  steps: number,
  of = plain,
  ws = createWorkspace(),
): Float64Array {
  infer(ws, crf, emissions, steps, of);
  return ws.marginals.slice(0, steps * crf.tags);
}

/** Expected number of mentions: the sum of the B marginals. Exact where illegal paths are barred. */
export function expectedMentions(ws: Workspace, steps: number): number {
  const { tags: K, marginals } = ws;
  let sum = 0;
  for (let i = 0; i < steps; i++) {
    for (let k = 1; k < K; k += 2) sum += marginals[i * K + k]!;
  }
  return sum;
}

/** Adds the expected number of uses of each transition, [K × K] from-major, to `out`. */
export function addTransitionCounts(ws: Workspace, steps: number, out: Float32Array, times = 1): void {
  const { tags: K, alpha, beta, weight, scale, fromMajor, logTransitions, inLogSpace } = ws;
  for (let i = 1, at = K; i < steps; i++, at += K) {
    for (let j = 0; j < K; j++) {
      for (let k = 0; k < K; k++) {
        const t = j * K + k;
        const p = inLogSpace
          ? Math.exp(alpha[at - K + j]! + logTransitions[t]! + weight[at + k]! + beta[at + k]! - scale[0]!)
          : (alpha[at - K + j]! * fromMajor[t]! * weight[at + k]! * beta[at + k]!) / scale[i]!;
        out[t] = out[t]! + times * p;
      }
    }
  }
}
