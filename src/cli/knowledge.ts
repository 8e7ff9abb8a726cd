import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { ConfigText } from "../config/index.ts";
import { counted } from "../counted.ts";
import { Fault, isFault } from "../errors.ts";
import { FileLocked, withFileLock } from "../file-lock.ts";
import type { RunSummary } from "../flow/types.ts";
import { type Plan, planConfig } from "../plan.ts";
import {
  type BatchMode,
  type CorpusPost,
  conllPosts,
  type Estimate,
  isConll,
  openBatchLog,
  openRecorder,
  openRecords,
  type Recorder,
  type RecordFile,
  recordingPlan,
  sourcePosts,
} from "../record/index.ts";
import { readConfig } from "./config-file.ts";
import { readable, say, tellEnd, tellEstimate, usd } from "./knowledge-told.ts";
import { logsOf } from "./logger.ts";
import { wholeNumber } from "./numbers.ts";
import { stopOnSignals } from "./signals.ts";

interface RecordFlags {
  readonly data: string;
  readonly output: string;
  readonly captions?: string;
  readonly limit?: string;
  readonly maxUsd?: string;
  readonly estimate?: boolean;
  readonly gate?: boolean;
  readonly batch?: BatchMode;
  readonly batchSize?: string;
  readonly batchLook?: string;
  readonly verbose?: boolean;
}

const notes = `
Sends a corpus once through the stages of the config that make knowledge (captioner, draft, examples, LLM), and writes each answer
as one line of JSON, which knowledge-replay and training read. Posts recorded before are not asked again: start it again after a
stop, or for posts whose answer did not come. First it tells what the rest will cost; --estimate ends there.
With --batch the questions go to the server's Batch API: for less, and within a day. It can be stopped while it waits: started
again, it goes on with the same batch, which <output>.batches remembers.
  starling knowledge record pipeline.yaml --data train.txt --output knowledge.ndjson --max-usd 5`;

export function knowledgeCommand(): Command {
  const record = new Command("record")
    .description("ask an LLM of a corpus, once")
    .argument("<config>", "pipeline with a stage that gives knowledge")
    .requiredOption("-d, --data <file>", "posts (.ndjson) or CoNLL")
    .requiredOption("-o, --output <file>", "recorded answers; what it holds already is kept and not asked again")
    .option("--captions <file>", "captions for CoNLL: <image file> :<caption>")
    .option("--limit <count>", "posts to ask at most")
    .option("--max-usd <amount>", "stops asking once so much is spent; refuses to begin where the estimate is higher")
    .option("--estimate", "tell what it would cost, and ask nothing")
    .option("--gate", "ask only of posts that the config's gate lets through")
    .addOption(
      new Option("--batch <when>", "ask by the server's Batch API; auto: one by one where it has none").choices([
        "always",
        "auto",
      ]),
    )
    .option("--batch-size <count>", "questions in one batch at most")
    .option("--batch-look <seconds>", "longest time between two looks at a batch (default: 60)")
    .option("--verbose", "log what plugins say, and show stacks of faults")
    .addHelpText("after", notes)
    .action(recordCorpus);
  return new Command("knowledge").addCommand(record);
}

async function recordCorpus(config: string, flags: RecordFlags): Promise<void> {
  const signal = stopOnSignals();
  refuseIdle(flags);
  const maxUsd = amount(flags.maxUsd);
  const limit = wholeNumber("--limit", flags.limit);
  const text = withData(await readConfig(config), flags.data);
  const plan = recordingPlan(await planConfig(text, { toRun: false, purpose: "serve" }), { gate: flags.gate ?? false });
  const logs = await logsOf(text, flags.verbose ?? false);
  const all = isConll(flags.data)
    ? await conllPosts(resolve(flags.data), flags.captions && resolve(flags.captions))
    : await readable(await sourcePosts(plan, logs.log, signal));
  const path = await realpath(flags.output).catch(() => resolve(flags.output));
  const work = () => recordInto(path, { plan, logs, all, flags, maxUsd, limit, signal });
  // An estimate writes nothing, so it may stand beside another run.
  await (flags.estimate ? work() : alone(path, work));
}

interface Job {
  readonly plan: Plan;
  readonly logs: Awaited<ReturnType<typeof logsOf>>;
  readonly all: readonly CorpusPost[];
  readonly flags: RecordFlags;
  readonly maxUsd: number | undefined;
  readonly limit: number | undefined;
  readonly signal: AbortSignal;
}

async function recordInto(path: string, { plan, logs, all, flags, maxUsd, limit, signal }: Job): Promise<void> {
  await using open = new AsyncDisposableStack();
  const output = open.adopt(await openRecords(path, { readOnly: flags.estimate ?? false }), (file) => file.close());
  const batch = await openBatches(path, flags, maxUsd);
  let done = false;
  open.defer(async () => batch?.log.close({ done }));
  const left = all.filter(({ post }) => !output.has(post));
  const posts = left.slice(0, limit);
  const recorder = open.adopt(await openRecorder(plan, { ...logs, ...(batch && { batch }) }), (one) => one.close());

  const estimate = await recorder.estimate(posts, signal);
  say(tellEstimate(estimate, output.before));
  if (flags.estimate) return;
  const underWay = () => (batch?.log.open().length ?? 0) > 0;
  let ended = true;
  if (posts.length > 0 || underWay()) {
    refuseCost(estimate, maxUsd);
    ended = await ask(recorder, { posts, output, maxUsd, signal, inBatches: batch !== undefined });
  }
  await output.flush();
  // With --limit the batches may have answers to the posts after.
  done = ended && posts.length === left.length && !underWay();
}

/** How long another run may take to end, in milliseconds. */
const LOCK_MS = 500;

/** Works while no other run records into the output. Throws OUTPUT_IN_USE, OUTPUT_FAILED. */
async function alone(output: string, work: () => Promise<void>): Promise<void> {
  await withFileLock(output, LOCK_MS, work).catch((cause: Error) => {
    if (cause instanceof FileLocked) throw new Fault("OUTPUT_IN_USE", { output }, { cause });
    const { code } = cause as NodeJS.ErrnoException;
    if (isFault(cause) || !/^(E[A-Z]+|ERR_SQLITE_ERROR)$/.test(code ?? "")) throw cause;
    throw new Fault("OUTPUT_FAILED", { output, reason: cause.message }, { cause });
  });
}

/** Flags that nothing would heed are a mistake. */
function refuseIdle({ batch, batchSize, batchLook, captions, data }: RecordFlags): void {
  const idle = [
    ...(batch === undefined && batchSize !== undefined ? [["--batch-size", "add --batch"]] : []),
    ...(batch === undefined && batchLook !== undefined ? [["--batch-look", "add --batch"]] : []),
    ...(captions !== undefined && !isConll(data)
      ? [["--captions", "it belongs to CoNLL; posts of .ndjson have their captions from stages"]]
      : []),
  ];
  const [[flag, help] = []] = idle;
  if (flag !== undefined) throw new Fault("USAGE", { what: `${flag} does nothing here`, help: help! });
}

/** What is known of batches, beside the output. Throws USAGE where one may be under way and none is wanted. */
async function openBatches(output: string, flags: RecordFlags, maxUsd: number | undefined) {
  const { batch: mode, batchSize, batchLook, estimate: readOnly = false } = flags;
  const file = `${output}.batches`;
  const size = wholeNumber("--batch-size", batchSize);
  const longestMs = 1000 * (wholeNumber("--batch-look", batchLook) ?? 60);
  if (mode !== undefined)
    return { mode, log: await openBatchLog(file, { readOnly }), size, maxUsd, told: { say, longestMs } };
  if (existsSync(file) && !readOnly)
    throw new Fault("USAGE", {
      what: `${file} remembers batches that an earlier run began`,
      help: "add --batch to go on with them, or delete it to ask anew: what they cost is paid all the same, and once more then",
    });
  return undefined;
}

interface Task {
  readonly posts: readonly CorpusPost[];
  readonly output: RecordFile;
  readonly maxUsd: number | undefined;
  readonly signal: AbortSignal;
  readonly inBatches: boolean;
}

/** False where it was stopped. */
async function ask(recorder: Recorder, { posts, output, maxUsd, signal, inBatches }: Task): Promise<boolean> {
  const enough = new AbortController();
  const { circuitOpen } = recorder.meter;
  const stop = AbortSignal.any([signal, enough.signal, circuitOpen.signal]);
  stop.addEventListener("abort", () => say(`stopping; ${counted(recorder.meter.underWay, "call")} under way`));
  let written = 0;
  const telling = progress(() => `${written} of ${posts.length} recorded, ${usd(recorder.meter.usd)}`);
  try {
    const heard = (count: number) => {
      written += count;
      // What a batch brought is paid for; whether another one is sent is decided before it is.
      if (maxUsd !== undefined && !inBatches && recorder.meter.usd >= maxUsd) enough.abort();
    };
    const summary = await recorder.record(posts, output, heard, stop);
    say(tellEnd(written, posts.length, recorder, summary));
    if (enough.signal.aborted) say(`stopped at --max-usd ${maxUsd}; start again with more to go on`);
    if (circuitOpen.signal.aborted) say("stopped, for the guard's circuit is open; mend what failed, and start again");
    const stopped = signal.aborted || enough.signal.aborted;
    const nothing = written === 0 && output.before === 0 && !stopped;
    if ((nothing && posts.length > 0) || (written < posts.length && lacking(summary))) fail(recorder);
    return !stop.aborted;
  } finally {
    telling.end();
  }
}

/** Whether posts were left out by what went wrong, and not because a gate, or a stop, spared them. */
const lacking = ({ degraded, failed }: RunSummary & { readonly degraded: number }): boolean =>
  degraded > 0 || Object.keys(failed).length > 0;

function fail({ meter: { lastFault } }: Recorder): void {
  if (lastFault) say(`the last fault was ${lastFault.code}: ${lastFault.message}`);
  process.exitCode = 1;
}

/** Every two seconds for people who watch, every minute in a log. */
function progress(line: () => string): { end(): void } {
  const timer = setInterval(() => say(line()), process.stderr.isTTY ? 2000 : 60_000);
  return { end: () => clearInterval(timer) };
}

function refuseCost({ usd: about, unpriced }: Estimate, maxUsd: number | undefined): void {
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

function amount(written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(written) && Number(written) > 0) return Number(written);
  throw new Fault("USAGE", { what: `--max-usd ${written} is no amount`, help: "give US dollars, such as 2.50" });
}

/** Posts of a file come by the built-in file source, with the pictures beside it. */
function withData(text: ConfigText, data: string): ConfigText {
  if (isConll(data)) return text;
  const source = { use: "source-file", options: { path: resolve(data) } };
  return { ...text, value: { ...(text.value as Record<string, unknown>), source } };
}
