import { chat as chatPort } from "../chat.ts";
import { Fault } from "../errors.ts";
import { givenStages } from "../evaluate/given.ts";
import type { Knowledge } from "../facts.ts";
import { runPipeline } from "../flow/run.ts";
import type { OpenStage, RunSummary } from "../flow/types.ts";
import { type OpenOptions, openParts } from "../open.ts";
import { ok } from "../outcome.ts";
import type { Plan } from "../plan.ts";
import type { Delivery, Sink, Source, View } from "../plugin.ts";
import type { CorpusPost } from "./corpus.ts";
import { createMeter, type Meter } from "./meter.ts";
import { metered } from "./metered.ts";
import type { RecordFile } from "./output.ts";
import { inPeace, type Round } from "./patient.ts";
import { openPurse } from "./purse.ts";
import { type BatchOptions, createQuestions } from "./questions.ts";
import { inRounds } from "./rounds.ts";
import { type Lacks, stoppable } from "./stoppable.ts";
import { createTurns } from "./turns.ts";
import { inTurn, unlessWaiting, waitOf } from "./waiting.ts";

/** Posts that the cost is estimated from. */
const SAMPLE = 20;

/** What a whole corpus would take, judged by some of its posts. */
export interface Estimate {
  readonly posts: number;
  readonly requests: number;
  /** Questions that are answered already, or under way: they are not among the requests. */
  readonly known: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly usd: number;
  readonly worstUsd: number;
  readonly models: readonly string[];
  /** Models without a price: the sums lack them. */
  readonly unpriced: readonly string[];
}

export type RecordSummary = RunSummary & Lacks;

export interface Recorder {
  readonly meter: Meter;
  estimate(posts: readonly CorpusPost[], signal: AbortSignal): Promise<Estimate>;
  /**
   * Sends the posts through the stages and appends what comes; `heard` is told of each batch that was written. Once `signal`
   * aborts, calls under way end, and nothing more is asked.
   */
  record(
    posts: readonly CorpusPost[],
    output: RecordFile,
    heard: (written: number) => void,
    signal: AbortSignal,
  ): Promise<RecordSummary>;
  close(): Promise<void>;
}

/**
 * The part of a pipeline that makes knowledge: its stages up to the last one that gives it, without those that decide whom to ask,
 * unless `gate` keeps them. Throws USAGE where no stage gives knowledge.
 */
export function recordingPlan(plan: Plan, { gate = false }: { readonly gate?: boolean } = {}): Plan {
  const last = plan.stages.findLastIndex(({ plugin }) => plugin.gives.includes("knowledge"));
  if (last < 0)
    throw new Fault("USAGE", {
      what: `no stage of ${plan.text.file} gives knowledge`,
      help: "add one that asks, such as knowledge-chat",
    });
  const stages = plan.stages.slice(0, last + 1).filter(({ plugin }) => gate || !plugin.gives.includes("ask"));
  return { ...plan, stages, resources: borrowedBy(stages, plan.resources) };
}

/** Resources that stages borrow, or that those borrow; the others need not open. */
function borrowedBy(stages: Plan["stages"], resources: Plan["resources"]): Plan["resources"] {
  const wanted = new Set<string>();
  const want = (parts: readonly (Plan["stages"][number] | Plan["resources"][number])[]): void => {
    for (const { plugin, options } of parts)
      for (const { name } of plugin.borrows?.(options) ?? []) {
        if (wanted.has(name)) continue;
        wanted.add(name);
        want(resources.filter((resource) => resource.name === name));
      }
  };
  want(stages);
  return resources.filter(({ name }) => wanted.has(name));
}

export interface RecorderOptions extends OpenOptions {
  /** What may be spent in all, in US dollars: nothing is sent that might cost more. */
  readonly maxUsd?: number | undefined;
  say(line: string): void;
  /** Questions are answered by batches; one by one without it. */
  readonly batch?: BatchOptions;
}

/** Opens the stages of a recording plan. Throws CHAT_NO_BATCHES where batches are wanted, and a model has none. */
export async function openRecorder(plan: Plan, { batch, maxUsd, say, ...options }: RecorderOptions): Promise<Recorder> {
  const meter = createMeter();
  const purse = openPurse(meter, maxUsd);
  const turns = createTurns(purse.freeUsd);
  const questions = batch && createQuestions(meter, batch);
  const parts = await openParts(metered(plan, { meter, purse, turns, questions }), options);
  const asks = plan.stages.map(({ plugin, options }) =>
    (plugin.borrows?.(options) ?? []).some(({ port }) => port.name === chatPort.name),
  );
  const opened = parts.stages.map((stage, i) => (asks[i] ? inTurn : unlessWaiting)(stage));
  const run = async (posts: readonly CorpusPost[], last: readonly OpenStage[], signal: AbortSignal): Promise<Round> => {
    const lacks: Lacks = { degraded: 0 };
    const stages = opened.map((stage) => stoppable(stage, signal, lacks));
    const { summary, waiting } = await through(posts, [...stages, ...last], signal);
    return { summary: { ...summary, ...lacks }, waiting };
  };
  return {
    meter,
    async close() {
      await parts.close();
      purse.close();
    },
    async estimate(posts, signal) {
      const step = Math.max(1, Math.floor(posts.length / SAMPLE));
      const sample = posts.filter((_, i) => i % step === 0).slice(0, SAMPLE);
      meter.estimating = true;
      await run(sample, [], signal);
      const told = scaled(meter, posts.length, sample.length);
      const none = { requests: 0, known: 0, inputTokens: 0, outputTokens: 0, usd: 0, worstUsd: 0 };
      Object.assign(meter, { ...none, estimating: false });
      return told;
    },
    async record(posts, output, heard, signal) {
      if (signal.aborted) turns.close();
      signal.addEventListener("abort", turns.close, { once: true });
      const write = unlessWaiting(writing(output, heard));
      const once = (posts: readonly CorpusPost[], signal: AbortSignal) =>
        inPeace((posts, signal) => run(posts, [write], signal), posts, { meter, say, signal });
      if (questions === undefined) return once(posts, signal);
      return inRounds(once, { posts, output, questions, signal, say });
    },
  };
}

function scaled(meter: Meter, posts: number, sample: number): Estimate {
  const times = sample === 0 ? 0 : posts / sample;
  const { requests, known, inputTokens, outputTokens, usd, worstUsd, models, unpriced } = meter;
  return {
    posts,
    requests: Math.round(requests * times),
    known: Math.round(known * times),
    inputTokens: Math.round(inputTokens * times),
    outputTokens: Math.round(outputTokens * times),
    usd: usd * times,
    worstUsd: worstUsd * times,
    models: [...models],
    unpriced: [...unpriced],
  };
}

/** Writes the knowledge of each batch down. */
const writing = (output: RecordFile, heard: (written: number) => void): OpenStage => ({
  name: "record",
  plugin: { name: "record", needs: [], uses: ["knowledge"], gives: [] },
  stage: {
    async run(batch: readonly View<never, "knowledge">[]) {
      const answers = batch.flatMap(({ post, facts: { knowledge } }): { post: typeof post; knowledge: Knowledge }[] =>
        knowledge === undefined ? [] : [{ post, knowledge }],
      );
      await output.add(answers);
      heard(answers.length);
      return batch.map(() => ok({}));
    },
  },
  flow: { batch: 64, waitMs: 50, concurrency: 1, timeoutMs: 60_000, onFail: "stop" },
});

async function through(
  given: readonly CorpusPost[],
  stages: readonly OpenStage[],
  signal: AbortSignal,
): Promise<{ readonly summary: RunSummary; readonly waiting: readonly CorpusPost[] }> {
  const sink: Sink = { write: async (batch) => batch.map(() => ok(undefined)) };
  // New objects: stages may remember a post, such as when it came, and it comes again with each run.
  const posts = given.map((one) => ({ ...one, post: { ...one.post } }));
  const captioned = givenStages(posts.map((one) => ({ ...one, knowledge: "", gold: [], goldStrict: [] })));
  const all = [...captioned, ...stages];
  // No more than the stages hold: a post's deadline runs while it waits in a queue.
  const window = all.reduce((sum, { flow }) => sum + flow.batch * flow.concurrency, 0);
  const pipeline = { source: sourceOf(posts), sink, deadLetters: sink, stages: all, window, version: "record" };
  const summary = await runPipeline(pipeline, { signal });
  return { summary, waiting: given.filter((_, i) => waitOf(posts[i]!.post) === "waiting") };
}

const CHUNK = 64;

function sourceOf(posts: readonly CorpusPost[]): Source {
  const delivery = ({ post }: CorpusPost, index: number): Delivery => ({
    post: ok(post),
    origin: { lane: "corpus", offset: String(index), bytes: () => Buffer.from(JSON.stringify(post)) },
    settle() {},
  });
  return {
    async *read(signal) {
      for (let at = 0; at < posts.length && !signal.aborted; at += CHUNK)
        yield posts.slice(at, at + CHUNK).map((post, i) => delivery(post, at + i));
    },
  };
}
