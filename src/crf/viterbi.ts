import type { Crf } from "./crf.ts";
import { mayStart } from "./tags.ts";
import { createWorkspace, plain, prepare, reserve, type Workspace } from "./workspace.ts";

/**
 * As `viterbi`, into `ws.path`, over the parameters that `prepare` made ready last.
 * The best tag path among those that BIO2 allows; ties go to the lower tag.
 * Needs no temperature: dividing every score changes no order. `emissions` is row-major [steps × K].
 */
export function decodePath(ws: Workspace, crf: Crf, emissions: Float32Array, steps: number): void {
  const K = crf.tags;
  reserve(ws, K, steps);
  if (steps === 0) return;
  const { scores, scoresTo, back, path } = ws;
  for (let k = 0; k < K; k++) scores[k] = mayStart(k) ? crf.start[k]! + emissions[k]! : Number.NEGATIVE_INFINITY;
  for (let i = 1, at = K, old = 0, now = K; i < steps; i++, at += K, old = now, now = K - now) {
    for (let k = 0; k < K; k++) {
      const inside = k > 0 && (k & 1) === 0;
      // I-t follows B-t (one tag below) or itself; O and B follow anything.
      const first = inside ? k - 1 : 0;
      const last = inside ? k : K - 1;
      let best = first;
      let score = scores[old + first]! + scoresTo[k * K + first]!;
      for (let j = first + 1; j <= last; j++) {
        const candidate = scores[old + j]! + scoresTo[k * K + j]!;
        if (candidate > score) {
          score = candidate;
          best = j;
        }
      }
      scores[now + k] = score + emissions[at + k]!;
      back[at + k] = best;
    }
  }
  const row = (steps - 1) % 2 === 0 ? 0 : K;
  let tag = 0;
  for (let k = 1; k < K; k++) {
    if (scores[row + k]! + crf.end[k]! > scores[row + tag]! + crf.end[tag]!) tag = k;
  }
  for (let i = steps - 1; i >= 0; i--) {
    path[i] = tag;
    tag = back[i * K + tag]!;
  }
}

/** The best legal tag path, one tag a step. `emissions` is row-major [steps × K]. */
export function viterbi(crf: Crf, emissions: Float32Array, steps: number, ws = createWorkspace()): Uint16Array {
  prepare(ws, crf, plain);
  decodePath(ws, crf, emissions, steps);
  return ws.path.slice(0, steps);
}
