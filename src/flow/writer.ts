import { Fault, isFault } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { Output, Sink } from "../plugin.ts";
import { asError } from "./transit.ts";

export interface Writer<L extends Output> {
  push(letter: L): void;
  readonly idle: boolean;
}

export interface WriterEvents<L extends Output> {
  /** The sink's word on each letter, in order. A throw ends the run, as a throw of the sink does. */
  concluded(letters: readonly L[], outcomes: readonly Outcome<void>[]): void;
  /** The sink threw or broke its contract: nothing of the batch counts as written. */
  failed(error: Error): void;
  /** Share of `Sink.gatherMs` that these letters may wait for others; 0 where they should not. */
  patience(letters: readonly L[]): number;
  /** Everything pushed so far was concluded, or the writer gave up. */
  rested(): void;
}

/**
 * Writes records in the order they come, one `write` at a time; what comes meanwhile makes the next batch. So batches
 * grow with the load, and a later revision is never written before an earlier one. A timer is needed only where the sink
 * would rather have fewer writes.
 */
export function writer<L extends Output>(
  name: string,
  sink: Sink,
  signal: AbortSignal,
  events: WriterEvents<L>,
): Writer<L> {
  let queue: L[] = [];
  let writing = false;
  const { gatherMs = 0 } = sink;

  let grown = () => {};

  const gather = (patience: number) =>
    new Promise<void>((done) => {
      const timer = setTimeout(done, gatherMs * patience);
      grown = () => {
        if (events.patience(queue) > 0) return;
        clearTimeout(timer);
        done();
      };
    });
  const drain = async () => {
    try {
      await undefined; // the rest of the chunk joins the batch
      while (queue.length > 0 && !signal.aborted) {
        const patience = gatherMs > 0 ? events.patience(queue) : 0;
        if (patience > 0) await gather(patience);
        if (signal.aborted) break;
        const letters = queue;
        queue = [];
        events.concluded(letters, await write(name, sink, letters, signal));
      }
    } catch (thrown) {
      events.failed(sinkFault(name, asError(thrown)));
    }
    writing = false;
    events.rested();
  };

  return {
    push(letter) {
      queue.push(letter);
      grown();
      if (writing) return;
      writing = true;
      void drain();
    },
    get idle() {
      return !writing;
    },
  };
}

async function write(name: string, sink: Sink, letters: readonly Output[], signal: AbortSignal) {
  const outcomes = await sink.write(letters, signal);
  if (outcomes.length !== letters.length)
    throw new Fault("WRONG_OUTCOME_COUNT", { plugin: name, expected: letters.length, got: outcomes.length });
  return outcomes;
}

export const sinkFault = (sink: string, error: Error): Error =>
  isFault(error) ? error : new Fault("SINK_FAILED", { sink, reason: error.message }, { cause: error });
