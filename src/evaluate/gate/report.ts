import type { GateEvaluation } from "./index.ts";
import type { Point } from "./sweep.ts";

/** Percent with four decimals. */
const percent = (share: number): number => Math.round(share * 1e6) / 1e4;
const point = ({ asked, f1, kept }: Point) => ({
  asked: percent(asked),
  f1: percent(f1),
  kept: kept === null ? null : percent(kept),
});

/** As plain data; everything in per cent, costs in F1 points. */
export function gateReport({ posts, sweep: { folds, draft, final, shares, costs } }: GateEvaluation) {
  return {
    posts,
    folds,
    draft: percent(draft),
    final: percent(final),
    gain: percent(final - draft),
    shares: shares.map(({ share, ...of }) => ({ share: percent(share), ...point(of) })),
    costs: costs.map(({ cost, ...of }) => ({ cost, ...point(of) })),
  };
}

export type GateReport = ReturnType<typeof gateReport>;

const BAR = 32;

/** Tables for people: F1 by share asked, with bars, and by cost. */
export function showGate({ draft, final, gain, posts, folds, shares, costs }: GateReport): string {
  const f1s = shares.map(({ f1 }) => f1);
  const [low, high] = [Math.min(...f1s), Math.max(...f1s)];
  const bar = (f1: number) => "█".repeat(high > low ? Math.round((BAR * (f1 - low)) / (high - low)) : 0);
  const cells = ({ asked, f1, kept }: { asked: number; f1: number; kept: number | null }) =>
    [`${asked.toFixed(1)}%`.padStart(9), f1.toFixed(2).padStart(9), keptOf(kept).padStart(9)].join("");
  const head = ["asked", "F1", "kept"].map((name) => name.padStart(9)).join("");
  return [
    `Asking about every post moves F1 from ${draft.toFixed(2)} to ${final.toFixed(2)} (${signed(gain)}).`,
    `Asking about some, those with the most doubt first (${posts} posts, cross-fitted over ${folds} folds):`,
    "",
    `   share${head}`,
    ...shares
      .filter((_, i) => i % 2 === 0)
      .map((it) => `${`${it.share}%`.padStart(8)}${cells(it)}  ${bar(it.f1)}`.trimEnd()),
    "",
    `    cost${head}`,
    ...costs.map((it) => `${String(it.cost).padStart(8)}${cells(it)}`),
  ].join("\n");
}

const keptOf = (kept: number | null) => (kept === null ? "-" : `${kept.toFixed(0)}%`);
const signed = (points: number) => `${points < 0 ? "" : "+"}${points.toFixed(2)}`;
