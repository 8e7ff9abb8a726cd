export interface Load {
  readonly window: number;
  /** Posts read and not yet settled. */
  readonly inFlight: number;
  /** Posts that wait for a stage to be free. */
  readonly waiting: number;
}

/** Share of a sink's `gatherMs` that is worth while where posts may be missed by the stages. */
const BRIEF = 1 / 6;

/**
 * Share of `Sink.gatherMs` that so many records may wait for others, 0 to 1. What waits keeps its place in the window. While more posts
 * wait for the stages nobody misses that place: then it is up to the whole time, the longer the fuller the window, for a quarter of the
 * posts under way at most. Otherwise briefly, for an eighth of them. Never where half of the window is empty.
 */
export function patienceOf({ window, inFlight, waiting }: Load, letters: number): number {
  const full = (2 * inFlight) / window - 1;
  if (full < 0) return 0;
  const brief = letters * 8 <= inFlight ? BRIEF : 0;
  return letters * 4 <= inFlight && letters <= waiting ? Math.max(full, brief) : brief;
}
