/** How far a record may be from the future before its time is not believed, in milliseconds. */
const AHEAD_MS = 5 * 60_000;

export interface Clock {
  /** Milliseconds since 1970; never backwards, and never by leaps: a wall clock that is set does not change it. */
  now(): number;
  /** The time of a record as it is believed: none from the future. */
  believe(at: number): number;
}

/**
 * Time for windows. It begins at the wall clock, or at `notBefore` (the newest time that was kept) where that is later,
 * and goes on with the time that the process has run.
 */
export function createClock({ notBefore = 0, wall = Date.now, ran = () => performance.now() } = {}): Clock {
  const begin = Math.max(wall(), notBefore) - ran();
  const now = () => Math.round(begin + ran());
  return { now, believe: (at) => (Number.isFinite(at) && at <= now() + AHEAD_MS ? Math.max(0, at) : now()) };
}
