import type { Batch } from "./batch.ts";
import { feedsOf } from "./feeds.ts";
import type { EngineSpec } from "./messages.ts";
import { isCpu } from "./provider.ts";
import { openThread } from "./runner-thread.ts";
import { type OpenSession, openSession } from "./session.ts";

/** What the graph says of a batch. */
export interface Outputs {
  /** [rows × length × labels] */
  readonly scores: Values;
  /** [rows × width] the feature itself, or [rows × length × width] what it is pooled from. */
  readonly hidden: Values;
}

export interface Values {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** What became of the opening of a model. */
export type Opened = Omit<OpenSession, "session">;

/** An open model that runs batches. */
export interface Runner {
  readonly opened: Opened;
  /** Whether this thread is free while a batch runs: then the next may be made ready meanwhile. */
  readonly apart: boolean;
  run(batch: Batch): Promise<Outputs>;
  close(): Promise<void>;
}

/**
 * ONNX Runtime holds its thread until a run ends. Where another device does the work, that thread is one of its own, so that
 * the device need not wait while answers are decoded; on a CPU it would only take the core from the run.
 */
export const openRunner = (spec: EngineSpec): Promise<Runner> =>
  isCpu(spec.layout.providers[0]!) ? openHere(spec) : openThread(spec);

export async function openHere(spec: EngineSpec): Promise<Runner> {
  const { session, ...opened } = await openSession(spec);
  return {
    opened,
    apart: false,
    async run(batch) {
      const outputs = await session.run(feedsOf(session, batch));
      const scores = outputs.emissions ?? outputs.logits;
      const hidden = outputs.pooled ?? outputs.hidden ?? outputs.last_hidden_state;
      if (scores === undefined || hidden === undefined) throw new Error("the graph lost its outputs");
      return { scores: scores as Values, hidden: hidden as Values };
    },
    close: () => session.release(),
  };
}
