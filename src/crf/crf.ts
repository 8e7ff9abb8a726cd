import { tagCount } from "./tags.ts";

/**
 * Parameters of a linear-chain CRF, scores in nats. The score of a tag path y over n steps is
 * start[y0] + Σ emissions[i, yi] + Σ transitions[y(i-1), yi] + end[y(n-1)].
 */
export interface Crf {
  /** Number of tags K: 2 × types + 1, numbered as in bio2. */
  readonly tags: number;
  /** [K × K], from-major: `transitions[from * K + to]`. */
  readonly transitions: Float32Array;
  /** [K] */
  readonly start: Float32Array;
  /** [K] */
  readonly end: Float32Array;
}

/** A CRF of zeros: every path is as good as its emissions. */
export const createCrf = (types: number): Crf => {
  const tags = tagCount(types);
  return {
    tags,
    transitions: new Float32Array(tags * tags),
    start: new Float32Array(tags),
    end: new Float32Array(tags),
  };
};

/** Score of one tag path, in nats, before any temperature. */
export const pathScore = (crf: Crf, emissions: Float32Array, path: ArrayLike<number>, steps: number): number => {
  if (steps === 0) return 0;
  let score = crf.start[path[0]!]! + crf.end[path[steps - 1]!]!;
  for (let i = 0; i < steps; i++) {
    score += emissions[i * crf.tags + path[i]!]!;
    if (i > 0) score += crf.transitions[path[i - 1]! * crf.tags + path[i]!]!;
  }
  return score;
};
