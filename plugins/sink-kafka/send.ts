import {
  fail,
  isFault,
  type NewRecord,
  type Outcome,
  ok,
  type Producer,
  type SendRules,
  sendPatiently,
} from "starling-ner";

const done: Outcome<void> = ok(undefined);

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
