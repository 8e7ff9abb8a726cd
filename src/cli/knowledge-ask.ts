import { counted } from "../counted.ts";
import { Fault } from "../errors.ts";
import type { CorpusPost, Estimate, Recorder, RecordFile, RecordSummary } from "../record/index.ts";
import { say, tellEnd, tellLacking, usd } from "./knowledge-told.ts";

interface Task {
  readonly posts: readonly CorpusPost[];
  readonly output: RecordFile;
  readonly maxUsd: number | undefined;
  readonly signal: AbortSignal;
  readonly inBatches: boolean;
}

/** Asks of the posts, and tells how it goes; false where it was stopped, or something failed. */
export async function ask(recorder: Recorder, { posts, output, maxUsd, signal, inBatches }: Task): Promise<boolean> {
  const { meter } = recorder;
  const { circuitOpen, spent } = meter;
  const stop = AbortSignal.any([signal, circuitOpen.signal]);
  stop.addEventListener("abort", () => say(`stopping; ${counted(meter.underWay, "call")} under way`));
  spent.signal.addEventListener("abort", () =>
    say(`one call more may exceed --max-usd ${maxUsd}: nothing more is sent, and what is known is still recorded`),
  );
  let written = 0;
  const telling = progress(() => `${written} of ${posts.length} recorded, ${usd(meter.usd)}`);
  try {
    const heard = (count: number) => {
      written += count;
    };
    const summary = await recorder.record(posts, output, heard, stop);
    say(tellEnd(written, posts.length, recorder, summary));
    const lacking = tellLacking(recorder);
    if (lacking !== undefined) say(lacking);
    const enough = spent.signal.aborted;
    if (enough) say(`stopped at --max-usd ${maxUsd}: one call more may exceed it; start again with more to go on`);
    if (circuitOpen.signal.aborted) say("stopped, for the guard's circuit is open; mend what failed, and start again");
    const stopped = signal.aborted || enough;
    if (stopped && written < posts.length && recorder.asking > 1 && meter.requests > 0 && !inBatches) say(lost);
    const nothing = written === 0 && output.before === 0 && !stopped;
    const failed = (nothing && posts.length > 0) || (written < posts.length && lacks(summary));
    if (failed || lacking !== undefined) tellFault(recorder);
    if (failed) process.exitCode = 1;
    return !stop.aborted && !lacks(summary);
  } finally {
    telling.end();
  }
}

/** An answer that is no record yet, such as a caption. */
const lost =
  "captions of posts that are left, and paid for, are kept by a guard's cache.file alone: without one they are paid for again";

/** Whether posts were left out by what went wrong, and not because a gate, or a stop, spared them. */
const lacks = ({ degraded, failed, postponed = 0 }: RecordSummary): boolean =>
  degraded > 0 || postponed > 0 || Object.keys(failed).length > 0;

function tellFault({ meter: { lastFault } }: Recorder): void {
  if (lastFault) say(`the last fault was ${lastFault.code}: ${lastFault.message}`);
}

/** Every two seconds for people who watch, every minute in a log. */
function progress(line: () => string): { end(): void } {
  const timer = setInterval(() => say(line()), process.stderr.isTTY ? 2000 : 60_000);
  return { end: () => clearInterval(timer) };
}

/** Throws USAGE where `--max-usd` is too little, or cannot hold. */
export function refuseCost({ usd: about, unpriced }: Estimate, maxUsd: number | undefined): void {
  if (maxUsd === undefined) return;
  if (unpriced.length > 0)
    throw new Fault("USAGE", {
      what: `--max-usd cannot hold, for no price is known of ${unpriced.join(", ")}`,
      help: "add the model to the file of prices, or leave --max-usd out",
    });
  if (about > maxUsd)
    throw new Fault("USAGE", {
      what: `about ${usd(about)} are more than --max-usd ${maxUsd}`,
      help: "raise it, or ask of fewer posts with --limit",
    });
}
