import { map, type Observable, type Subscription, tap } from "rxjs";
import { outlets } from "./outlets.ts";
import { paced } from "./paced.ts";
import { patienceOf } from "./patience.ts";
import { runStage, type StageContext } from "./run-stage.ts";
import { emptyTally, summary } from "./tally.ts";
import { asError, type Chunk, depart, type Transit } from "./transit.ts";
import type { OpenPipeline, RunPipeline, RunSummary, StageLoad } from "./types.ts";
import { createUnderway } from "./underway.ts";

/** How long a failed run waits for writes under way, so that what they wrote is still settled. */
const LAST_WRITES_MS = 5000;

/**
 * Runs until the input ends or `signal` aborts, and answers once everything read is settled.
 * Rejects with the fault that stopped the run; posts not settled by then are still in the input.
 */
export const runPipeline: RunPipeline = (pipeline, { signal, observe }) =>
  new Promise<RunSummary>((resolve, reject) => {
    const tally = emptyTally();
    const broken = new AbortController();
    const reading = new AbortController();
    const stopReading = () => reading.abort();
    let running: Subscription | undefined;
    let flowed = false;
    let resting = () => {};

    let draining: ReturnType<typeof setTimeout> | undefined;

    const end = (conclude: () => void) => {
      signal.removeEventListener("abort", stop);
      clearTimeout(draining);
      conclude();
    };
    const told = () => summary({ ...tally, peakInFlight: pace.peakInFlight });
    const rested = () => {
      if (!out.idle) return;
      resting();
      if (flowed && !broken.signal.aborted) end(() => resolve(told()));
    };
    /** Ends before everything is done, once writes under way are. */
    const breakOff = (conclude: () => void) => {
      if (broken.signal.aborted) return;
      broken.abort();
      reading.abort();
      running?.unsubscribe();
      const timer = setTimeout(() => resting(), LAST_WRITES_MS);
      resting = () => {
        clearTimeout(timer);
        end(conclude);
      };
      if (out.idle) resting();
    };
    const failed = (thrown: unknown) => breakOff(() => reject(asError(thrown)));
    const stop = () => {
      stopReading();
      const { drainMs } = pipeline;
      if (drainMs !== undefined) draining = setTimeout(giveUp, drainMs);
    };
    const giveUp = () =>
      breakOff(() => {
        tally.unfinished += pace.inFlight;
        resolve(told());
      });

    const pace = paced(pipeline.source, pipeline.window, reading.signal);
    const stages: StageLoad[] = [];
    const underway = createUnderway<Transit>();
    const out = outlets({
      pipeline,
      tally,
      observe,
      signal: broken.signal,
      stopping: reading.signal,
      release(posts) {
        for (const post of posts) underway.leave(post);
        pace.release(posts.length);
      },
      failed,
      patience(letters) {
        if (reading.signal.aborted) return 0;
        const waiting = stages.reduce((sum, stage) => sum + stage.waiting, 0);
        return patienceOf({ window: pipeline.window, inFlight: pace.inFlight, waiting }, letters);
      },
      rested,
    });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });

    observe?.started?.({
      counts: tally,
      window: pipeline.window,
      stages,
      get inFlight() {
        return pace.inFlight;
      },
      get oldestSeconds() {
        const { oldest } = underway;
        return oldest === undefined ? 0 : (performance.now() - oldest.readAt) / 1000;
      },
    });
    const departures = pace.chunks.pipe(
      map((deliveries): Chunk => {
        const now = performance.now();
        tally.read += deliveries.length;
        return deliveries.map((delivery) => {
          out.enter(delivery);
          const transit = depart(delivery, now, out.wasDrafted(delivery));
          underway.add(transit);
          return transit;
        });
      }),
    );
    running = throughStages(departures, pipeline, { tally, observe, loads: stages }, out.draft).subscribe({
      next: out.send,
      error: failed,
      complete: () => {
        flowed = true;
        rested();
      },
    });
    if (broken.signal.aborted) running.unsubscribe();
  });

function throughStages(
  posts: Observable<Chunk>,
  { stages }: OpenPipeline,
  context: StageContext,
  draft: (chunk: Chunk) => void,
): Observable<Chunk> {
  return stages.reduce((flow, stage) => {
    const done = flow.pipe(runStage(stage, context));
    return stage.plugin.gives.includes("ask") ? done.pipe(tap(draft)) : done;
  }, posts);
}
