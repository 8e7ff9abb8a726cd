import { setTimeout as sleep } from "node:timers/promises";
import { isFault } from "../errors.ts";
import type { Host } from "../plugin.ts";
import type { NewRecord, Producer } from "./port.ts";

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5000;

export interface SendRules {
  /** How long records are sent again for a reason that may pass, in milliseconds. */
  readonly patienceMs: number;
  readonly log: Host["log"];
}

/** Sends records, and again while the log cannot take them. Throws what does not pass, or not within the time. */
export async function sendPatiently(
  producer: Pick<Producer, "send">,
  records: readonly NewRecord[],
  { patienceMs, log }: SendRules,
  signal: AbortSignal,
): Promise<void> {
  const until = performance.now() + patienceMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      return await producer.send(records);
    } catch (error) {
      if (!isFault(error) || !error.retry || performance.now() > until) throw error;
      log("records were not taken, and are sent again", { records: records.length, reason: error.message });
    }
    await sleep(pauseMs, undefined, { signal });
  }
}
