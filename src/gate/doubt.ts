import type { Tagging } from "../facts.ts";

/** What an entity that is missed counts beside one that is wrong: knowledge corrects types and bounds more often than it finds. */
const MISSED = 0.1;

/**
 * How much a tagging doubts itself, in mentions, from 0 on: the expected number of its mentions that are wrong, and a
 * tenth of the expected number that it missed. Both follow from the calibrated marginals of the CRF.
 */
export function doubtOf({ mentions, expected }: Pick<Tagging, "mentions" | "expected">): number {
  const wrong = Math.max(0, mentions.length - expected.correct);
  const missed = Math.max(0, expected.gold - expected.correct);
  return wrong + MISSED * missed;
}
