import { existsSync } from "node:fs";
import { Fault, isFault } from "../errors.ts";
import { FileLocked, withFileLock } from "../file-lock.ts";
import type { Plan } from "../plan.ts";
import { type CorpusPost, openBatchLog, openRecorder, openRecords } from "../record/index.ts";
import { ask, refuseCost } from "./knowledge-ask.ts";
import type { RecordFlags } from "./knowledge-flags.ts";
import { say, tellEstimate } from "./knowledge-told.ts";
import type { logsOf } from "./logger.ts";
import { wholeNumber } from "./numbers.ts";

interface Job {
  readonly plan: Plan;
  readonly logs: Awaited<ReturnType<typeof logsOf>>;
  readonly all: readonly CorpusPost[];
  readonly flags: RecordFlags;
  readonly maxUsd: number | undefined;
  readonly limit: number | undefined;
  readonly signal: AbortSignal;
}

/** Sends those posts through the plan that the output does not hold yet, and appends what comes. */
export async function recordInto(path: string, { plan, logs, all, flags, maxUsd, limit, signal }: Job): Promise<void> {
  await using open = new AsyncDisposableStack();
  const output = open.adopt(await openRecords(path, { readOnly: flags.estimate ?? false }), (file) => file.close());
  const batch = await openBatches(path, flags);
  let done = false;
  open.defer(async () => batch?.log.close({ done }));
  const left = all.filter(({ post }) => !output.has(post));
  const posts = left.slice(0, limit);
  const recorder = open.adopt(await openRecorder(plan, { ...logs, say, maxUsd, ...(batch && { batch }) }), (one) =>
    one.close(),
  );

  const estimate = await recorder.estimate(posts, signal);
  say(tellEstimate(estimate, output.before));
  if (flags.estimate) return;
  const underWay = () => (batch?.log.open().length ?? 0) > 0;
  let answered = false;
  if (posts.length > 0 || underWay()) {
    refuseCost(estimate, maxUsd);
    answered = await ask(recorder, { posts, output, maxUsd, signal, inBatches: batch !== undefined });
  }
  await output.flush();
  // Posts that are left may have answers there, captions before all. Those that a gate spares never will.
  const recorded = all.every(({ post }) => output.has(post));
  done = (recorded || (answered && posts.length === left.length)) && !underWay();
}

/** How long another run may take to end, in milliseconds. */
const LOCK_MS = 500;

/** Works while no other run records into the output. Throws OUTPUT_IN_USE, OUTPUT_FAILED. */
export async function alone(output: string, work: () => Promise<void>): Promise<void> {
  await withFileLock(output, LOCK_MS, work).catch((cause: Error) => {
    if (cause instanceof FileLocked) throw new Fault("OUTPUT_IN_USE", { output }, { cause });
    const { code } = cause as NodeJS.ErrnoException;
    if (isFault(cause) || !/^(E[A-Z]+|ERR_SQLITE_ERROR)$/.test(code ?? "")) throw cause;
    throw new Fault("OUTPUT_FAILED", { output, reason: cause.message }, { cause });
  });
}

/** What is known of batches, beside the output. Throws USAGE where one may be under way and none is wanted. */
async function openBatches(output: string, flags: RecordFlags) {
  const { batch: mode, batchSize, batchLook, estimate: readOnly = false } = flags;
  const file = `${output}.batches`;
  const size = wholeNumber("--batch-size", batchSize);
  const longestMs = 1000 * (wholeNumber("--batch-look", batchLook) ?? 60);
  if (mode !== undefined) return { mode, log: await openBatchLog(file, { readOnly }), size, told: { say, longestMs } };
  if (!readOnly && (await remembers(file)))
    throw new Fault("USAGE", {
      what: `${file} remembers batches that an earlier run began`,
      help: "add --batch to go on with them, or delete it to ask anew: what they cost is paid all the same, and once more then",
    });
  return undefined;
}

/** Whether a file has batches or answers to lose. One that a run left which was killed before it had any is taken away. */
async function remembers(file: string): Promise<boolean> {
  if (!existsSync(file)) return false;
  const log = await openBatchLog(file);
  const holds = log.holds();
  await log.close({ done: false });
  return holds;
}
