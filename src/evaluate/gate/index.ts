import { fitGain, type GainCurve, type GateFile } from "../../gate/index.ts";
import type { LabelledSet } from "../set.ts";
import type { Seen } from "../watched.ts";
import { askedPosts } from "./asked.ts";
import { type Sweep, type SweepOptions, sweep } from "./sweep.ts";

export { refuseWithoutGate } from "./asked.ts";
export { gateReport, showGate } from "./report.ts";

export interface GateEvaluation {
  readonly posts: number;
  readonly sweep: Sweep;
  /** Fitted to all posts, for the option `curve` of `gate`. */
  readonly file: GateFile;
}

/** What asking about some posts brings, from drafts and last taggings of all of them. */
export function gateEvaluation(
  { posts, fingerprint }: LabelledSet,
  seen: readonly (Seen | undefined)[],
  { model, ...options }: SweepOptions & { readonly model: string },
): GateEvaluation {
  const asked = askedPosts(posts, seen);
  return {
    posts: asked.length,
    sweep: sweep(asked, options),
    file: { schema: "starling.gate/1", model, data: fingerprint, posts: asked.length, ...rounded(fitGain(asked)) },
  };
}

/** Six digits: more would be noise. */
function rounded({ doubts, gains, spread }: GainCurve) {
  const short = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(6)));
  return { doubts: short(doubts), gains: short(gains), spread: short(spread) };
}
