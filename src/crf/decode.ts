import type { Crf } from "./crf.ts";
import { expectedMentions, infer } from "./marginals.ts";
import { inferredSpanProbability, type Span, spansOf } from "./spans.ts";
import { decodePath } from "./viterbi.ts";
import type { Workspace } from "./workspace.ts";

export interface ScoredSpan extends Span {
  /** Probability of exactly this span and type, 0 to 1. */
  readonly confidence: number;
}

export interface Decoded {
  readonly mentions: readonly ScoredSpan[];
  /** Expected counts under the model: predicted mentions that are right, and mentions a person would mark. */
  readonly expected: { readonly correct: number; readonly gold: number };
}

/**
 * Best legal path of one post with calibrated confidences. `emissions` is row-major [steps × K], only read.
 * Confidence is the exact-span probability at `temperature` among the paths that BIO2 allows: the decoder answers
 * no other, so mass on barred paths would only make every confidence too low.
 * Throws NOT_A_NUMBER for a score that is not finite.
 */
export function decode(
  crf: Crf,
  emissions: Float32Array,
  steps: number,
  temperature: number,
  workspace: Workspace,
): Decoded {
  infer(workspace, crf, emissions, steps, { temperature, constrained: true });
  decodePath(workspace, crf, emissions, steps);
  let correct = 0;
  const mentions = spansOf(workspace.path, steps).map((span) => {
    const confidence = inferredSpanProbability(workspace, steps, span);
    correct += confidence;
    return { ...span, confidence };
  });
  return { mentions, expected: { correct, gold: expectedMentions(workspace, steps) } };
}
