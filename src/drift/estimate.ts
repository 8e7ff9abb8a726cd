import { type Prf, prf } from "../score/index.ts";
import type { Calibration } from "../train/profile.ts";

/** Sums over posts; they add, also over workers. */
export interface ExpectedCounts {
  readonly predicted: number;
  /** Of the predicted entities those that are right, and all that are there, as the model expects them. */
  readonly correct: number;
  readonly gold: number;
}

export const uncalibrated: Calibration = { correct: 1, gold: 1 };

/**
 * Precision, recall and F1 without labels: expected counts in the place of real ones, each times what real counts were
 * of expected ones on held-out posts. It cannot see that the world now means something else by the same words.
 */
export function estimate({ predicted, correct, gold }: ExpectedCounts, calibration = uncalibrated): Prf {
  const right = Math.min(predicted, correct * calibration.correct);
  return prf({ correct: right, predicted, gold: Math.max(right, gold * calibration.gold) });
}
