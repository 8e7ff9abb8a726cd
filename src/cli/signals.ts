import { constants } from "node:os";

/**
 * Aborted by the first SIGINT or SIGTERM: reading stops and what was read is finished.
 * A second signal ends the process at once, with 128 + its number, whatever is still running.
 */
export function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(128 + constants.signals[name]);
      stop.abort();
    });
  return stop.signal;
}
