import type { OpenStage } from "../flow/types.ts";
import { type Outcome, pass } from "../outcome.ts";

/** What a run left out though it should have come. */
export interface Lacks {
  /** Passes for a reason that makes an event degraded. */
  degraded: number;
  /** Posts that wait for another start, since the model wants to be left alone for long. */
  postponed?: number;
}

/**
 * The same stage, which does nothing more for posts that still wait once `stop` aborts: they pass as `stopped`. Batches under
 * way end as usual.
 */
export function stoppable(open: OpenStage, stop: AbortSignal, lacks: Lacks): OpenStage {
  const inner = open.stage;
  const counted = <T>(outcome: Outcome<T>): Outcome<T> => {
    if (outcome.kind === "pass" && outcome.degraded) lacks.degraded++;
    return outcome;
  };
  const run: typeof inner.run = async (batch, signal) =>
    stop.aborted ? batch.map(() => pass("stopped")) : (await inner.run(batch, signal)).map(counted);
  return { ...open, stage: { ...(inner.quick && { quick: (view) => inner.quick!(view) }), run } };
}
