import { pause } from "../chat/time.ts";
import { counted } from "../counted.ts";
import type { RunSummary } from "../flow/types.ts";
import type { CorpusPost } from "./corpus.ts";
import type { Meter } from "./meter.ts";
import type { RecordSummary } from "./record.ts";

/** A server that wants to be left alone for longer, in one piece or time and again, is not waited for. */
export const LONGEST_MS = 600_000;

/** What came of one run, and the posts that it left for another one. */
export interface Round {
  readonly summary: RecordSummary;
  readonly waiting: readonly CorpusPost[];
}

type Once = (posts: readonly CorpusPost[], signal: AbortSignal) => Promise<Round>;

/**
 * Runs again for posts that wait, after the peace that a server wants, until none does. Gives up where that is long, or where a round
 * without any such wait brought nothing; `postponed` tells how many are left then.
 */
export async function inPeace(
  once: Once,
  posts: readonly CorpusPost[],
  { meter, say, signal }: { readonly meter: Meter; say(line: string): void; readonly signal: AbortSignal },
): Promise<RecordSummary> {
  let { summary, waiting } = await once(posts, signal);
  for (let waitedMs = 0; waiting.length > 0 && !signal.aborted; ) {
    // With the money spent nothing is sent: no server need be waited for.
    const ms = meter.spent.signal.aborted ? 0 : Math.max(0, (meter.peace?.until ?? 0) - performance.now());
    if (waitedMs + ms > LONGEST_MS) {
      say(
        `${wishOf(meter.peace?.model, ms)}: that is long, so ${counted(waiting.length, "post")} wait for another start, from then on`,
      );
      return { ...summary, postponed: waiting.length };
    }
    if (ms > 0) {
      say(`${wishOf(meter.peace?.model, ms)}: waiting, with ${counted(waiting.length, "post")} to ask of`);
      await pause(ms, signal).catch(() => {});
      if (signal.aborted) break;
    }
    const next = await once(waiting, signal);
    summary = sum(summary, next.summary);
    if (next.waiting.length < waiting.length) waitedMs = 0;
    else if (ms === 0) return { ...summary, postponed: next.waiting.length };
    else waitedMs += ms;
    waiting = next.waiting;
  }
  return summary;
}

/** That a model wants to be left alone, and until when. */
export function wishOf(model: string | undefined, ms: number): string {
  const until = new Date(Date.now() + ms).toLocaleTimeString("en-GB");
  return `${model} wants no request for ${Math.ceil(ms / 1000)} s, until ${until}`;
}

type Counts = RunSummary["passed"];

/** Posts that waited are counted by the later round alone. */
function sum(before: RecordSummary, after: RecordSummary): RecordSummary {
  return {
    ...after,
    passed: added(before.passed, after.passed),
    failed: added(before.failed, after.failed),
    degraded: before.degraded + after.degraded,
  };
}

function added(before: Counts, after: Counts): Counts {
  const all: Record<string, Record<string, number>> = {};
  for (const [counts, skip] of [[before, "waiting"] as const, [after, ""] as const])
    for (const [stage, reasons] of Object.entries(counts))
      for (const [reason, count] of Object.entries(reasons)) {
        if (reason === skip) continue;
        all[stage] ??= {};
        all[stage][reason] = (all[stage][reason] ?? 0) + count;
      }
  return all;
}
