import { flood } from "../flood.ts";
import type { Observe, Written } from "../flow/types.ts";
import type { Log } from "../host.ts";

/**
 * A line for each post that became a dead letter: its key, by which all else is found, and what failed. Never what it
 * says; the reason may quote it, and stands in the letter.
 */
export function flowLog(note: Log, now: () => number = Date.now): Pick<Observe, "written"> & { end(): void } {
  const few = flood((left) => note("flow", "more dead letters", { posts: left }), now);
  const tell = ({ record }: Written) => {
    if (record.schema !== "starling.dead-letter/1") return;
    const { key, stage, code, attempts } = record;
    few.line(() => note("flow", "dead letter", { key, stage, code, attempts }));
  };
  return { written: (records) => records.forEach(tell), end: few.end };
}

/** One observer that tells all of these; none where there is none, since the flow works less for nobody. */
export function together(...given: readonly (Observe | undefined)[]): Observe | undefined {
  const observers = given.filter((one) => one !== undefined);
  if (observers.length < 2) return observers[0];
  return {
    started: (run) => observers.forEach((one) => void one.started?.(run)),
    batch: (report) => observers.forEach((one) => void one.batch?.(report)),
    written: (records) => observers.forEach((one) => void one.written?.(records)),
  };
}
