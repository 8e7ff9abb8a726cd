import { setTimeout as sleep } from "node:timers/promises";
import { fail, isFault, type NewRecord, type Outcome, ok, type Producer } from "starling-ner";

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5000;

const done: Outcome<void> = ok(undefined);

export interface SendRules {
  readonly patienceMs: number;
  readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/**
 * Sends records in their order, and again while the log cannot take them. Where it refuses them for what is in them,
 * halves are sent until those are found that it means.
 */
export async function sendAll(
  producer: Producer,
  records: readonly NewRecord[],
  rules: SendRules,
  signal: AbortSignal,
): Promise<Outcome<void>[]> {
  if (records.length === 0) return [];
  try {
    await sendPatiently(producer, records, rules, signal);
    return records.map(() => done);
  } catch (error) {
    if (!isFault(error) || error.code !== "LOG_RECORD_REFUSED") throw error;
    if (records.length === 1) return [fail(error)];
    const half = Math.ceil(records.length / 2);
    const first = await sendAll(producer, records.slice(0, half), rules, signal);
    return [...first, ...(await sendAll(producer, records.slice(half), rules, signal))];
  }
}

async function sendPatiently(
  producer: Producer,
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
