import { constants } from "node:os";

/** npm passes on what a terminal has sent already: a signal that comes so soon after another is the same one, in milliseconds. */
const SAME_MS = 100;

/**
 * Aborted by the first SIGINT or SIGTERM: reading stops and what was read is finished.
 * A second signal ends the process at once, with 128 + its number, whatever is still running.
 */
export function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  let first = 0;
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      if (!stop.signal.aborted) {
        first = performance.now();
        stop.abort();
      } else if (performance.now() - first > SAME_MS) process.exit(128 + constants.signals[name]);
    });
  return stop.signal;
}
