import type { Crf } from "./crf.ts";
import { mayStart } from "./tags.ts";
import { createWorkspace, reserve, type Workspace } from "./workspace.ts";

/**
 * The best tag path among those that BIO2 allows, into `ws.path`; ties go to the lower tag.
 * Needs no temperature: dividing every score changes no order. `emissions` is row-major [steps × K].
 */
export function decodePath(ws: Workspace, crf: Crf, emissions: Float32Array, steps: number): void {
  const K = crf.tags;
  reserve(ws, K, steps);
  if (steps === 0) return;
  const { transitions } = crf;
  const { scores, back, path } = ws;
  for (let k = 0; k < K; k++) scores[k] = mayStart(k) ? crf.start[k]! + emissions[k]! : Number.NEGATIVE_INFINITY;
  for (let i = 1, at = K, old = 0, now = K; i < steps; i++, at += K, old = now, now = K - now) {
    for (let k = 0; k < K; k++) {
      const inside = k > 0 && (k & 1) === 0;
      // I-t follows B-t (one tag below) or itself; O and B follow anything.
      const first = inside ? k - 1 : 0;
      const last = inside ? k : K - 1;
      let best = first;
      let score = scores[old + first]! + transitions[first * K + k]!;
      for (let j = first + 1; j <= last; j++) {
        const candidate = scores[old + j]! + transitions[j * K + k]!;
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

/** The best legal tag path, one tag a step. */
export function viterbi(crf: Crf, emissions: Float32Array, steps: number, ws = createWorkspace()): Uint16Array {
  decodePath(ws, crf, emissions, steps);
  return ws.path.slice(0, steps);
}
