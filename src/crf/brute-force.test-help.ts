import { type Crf, pathScore } from "./crf.ts";
import { isLegal } from "./tags.ts";
import type { Distribution } from "./workspace.ts";

/** For tests: every tag path of a tiny chain with its probability, by enumeration. */
export function everyPath(crf: Crf, emissions: Float32Array, steps: number, of: Distribution) {
  const paths = enumerate(crf.tags, steps).filter((path) => !of.constrained || isLegal(path));
  const scores = paths.map((path) => pathScore(crf, emissions, path, steps) / of.temperature);
  const max = Math.max(...scores);
  const sum = scores.reduce((total, score) => total + Math.exp(score - max), 0);
  const logZ = max + Math.log(sum);
  return { logZ, paths: paths.map((path, i) => ({ path, score: scores[i]!, p: Math.exp(scores[i]! - logZ) })) };
}

const enumerate = (tags: number, steps: number): number[][] =>
  steps === 0
    ? [[]]
    : enumerate(tags, steps - 1).flatMap((path) => Array.from({ length: tags }, (_, tag) => [...path, tag]));
