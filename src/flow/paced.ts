import { Observable } from "rxjs";
import type { Delivery, Source } from "../plugin.ts";

export interface Pace {
  readonly chunks: Observable<readonly Delivery[]>;
  /** Gives back the credits of `posts` posts; more are read at once when the source has them. */
  release(posts: number): void;
  readonly inFlight: number;
  readonly peakInFlight: number;
}

/**
 * Turns a pulled source into a stream that never has more than `window` unsettled posts. RxJS cannot ask a producer to
 * slow down, so the pace is set here and nowhere else. What a chunk holds beyond the window waits here, unannounced.
 * The stream completes when the source ends or `signal` aborts; posts that still wait are then left in the input.
 */
export function paced(source: Source, window: number, signal: AbortSignal): Pace {
  let inFlight = 0;
  let peakInFlight = 0;
  let pump = () => {};

  const chunks = new Observable<readonly Delivery[]>((out) => {
    const reader = source.read(signal)[Symbol.asyncIterator]();
    let waiting: readonly Delivery[] = [];
    let next = 0;
    let reading = false;
    let pumping = false;

    const admit = () => {
      const room = window - inFlight;
      const chunk = next === 0 && waiting.length <= room ? waiting : waiting.slice(next, next + room);
      next += chunk.length;
      inFlight += chunk.length;
      peakInFlight = Math.max(peakInFlight, inFlight);
      out.next(chunk);
    };
    const read = async () => {
      reading = true;
      try {
        const { done, value } = await reader.next();
        reading = false;
        if (out.closed) return;
        if (done) return out.complete();
        waiting = value;
        next = 0;
        pump();
      } catch (error) {
        out.error(error);
      }
    };
    pump = () => {
      if (pumping) return; // a release inside `out.next` is seen by the loop that runs already
      pumping = true;
      while (!out.closed && inFlight < window && next < waiting.length) admit();
      pumping = false;
      if (!out.closed && !reading && inFlight < window && next >= waiting.length) void read();
    };
    const end = () => out.complete();
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    pump();
    return () => {
      signal.removeEventListener("abort", end);
      // Not awaited: a source that never answers must not hold up the end.
      void Promise.resolve(reader.return?.()).catch(() => {});
    };
  });

  return {
    chunks,
    release(posts) {
      inFlight -= posts;
      pump();
    },
    get inFlight() {
      return inFlight;
    },
    get peakInFlight() {
      return peakInFlight;
    },
  };
}
