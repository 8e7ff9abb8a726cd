import { type Crf, pathScore } from "./crf.ts";
import { addTransitionCounts, infer, inferredLogZ } from "./marginals.ts";
import { createWorkspace, plain } from "./workspace.ts";

/** Where gradients are added up; shapes as in `Crf`, `emissions` [steps × K]. */
export interface Gradients {
  readonly emissions: Float32Array;
  readonly transitions: Float32Array;
  readonly start: Float32Array;
  readonly end: Float32Array;
}

/**
 * Negative log-likelihood of the gold tags of one post, in nats, under the unconstrained CRF (gold may hold stray I
 * tags). Adds its gradients, expected minus observed counts, to `out`; pass zeroed arrays for the first post.
 */
export function lossAndGradient(
  crf: Crf,
  emissions: Float32Array,
  steps: number,
  gold: ArrayLike<number>,
  out: Gradients,
  ws = createWorkspace(),
): number {
  if (steps === 0) return 0;
  infer(ws, crf, emissions, steps, plain);
  addExpected(ws, steps, out);
  subtractObserved(crf.tags, steps, gold, out);
  return inferredLogZ(ws, steps) - pathScore(crf, emissions, gold, steps);
}

function addExpected(ws: ReturnType<typeof createWorkspace>, steps: number, out: Gradients): void {
  const { tags: K, marginals } = ws;
  for (let i = 0; i < steps * K; i++) out.emissions[i] = out.emissions[i]! + marginals[i]!;
  for (let k = 0; k < K; k++) {
    out.start[k] = out.start[k]! + marginals[k]!;
    out.end[k] = out.end[k]! + marginals[(steps - 1) * K + k]!;
  }
  addTransitionCounts(ws, steps, out.transitions);
}

function subtractObserved(K: number, steps: number, gold: ArrayLike<number>, out: Gradients): void {
  const drop = (array: Float32Array, at: number) => {
    array[at] = array[at]! - 1;
  };
  for (let i = 0; i < steps; i++) {
    drop(out.emissions, i * K + gold[i]!);
    if (i > 0) drop(out.transitions, gold[i - 1]! * K + gold[i]!);
  }
  drop(out.start, gold[0]!);
  drop(out.end, gold[steps - 1]!);
}
