import { chat as chatPort } from "../chat.ts";
import type { OpenStage, RunSummary } from "../flow/types.ts";
import { type OpenOptions, openParts } from "../open.ts";
import type { Plan } from "../plan.ts";
import type { Post } from "../schema/post.ts";
import type { CorpusPost } from "./corpus.ts";
import { createMeter, type Meter } from "./meter.ts";
import { metered } from "./metered.ts";
import type { RecordFile } from "./output.ts";
import { inPeace, type Round } from "./patient.ts";
import { openPurse } from "./purse.ts";
import { type BatchOptions, createQuestions } from "./questions.ts";
import { inRounds } from "./rounds.ts";
import { countLacking, type Failures, type Lacks, stoppable } from "./stoppable.ts";
import { through, writing } from "./through.ts";
import { createTurns } from "./turns.ts";
import { inTurn, unlessWaiting } from "./waiting.ts";

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
  /** Models without a price, asked or not: the sums lack them. */
  readonly unpriced: readonly string[];
}

export type RecordSummary = RunSummary & Lacks;

export interface Recorder {
  readonly meter: Meter;
  /** Stages that ask a model: with more than one, a post may have paid answers and no record yet. */
  readonly asking: number;
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
  const failures: Failures = new WeakMap();
  const run = async (posts: readonly CorpusPost[], last: readonly OpenStage[], signal: AbortSignal): Promise<Round> => {
    const lacks: Lacks = { degraded: 0 };
    const stages = opened.map((stage) => stoppable(stage, signal, lacks, failures));
    const { summary, waiting } = await through(posts, [...stages, ...last], signal);
    return { summary: { ...summary, ...lacks }, waiting };
  };
  return {
    meter,
    asking: asks.filter(Boolean).length,
    async close() {
      await parts.close();
      purse.close();
    },
    async estimate(posts, signal) {
      const sample = spread(posts, SAMPLE);
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
      const written = (posts: readonly Post[]) => {
        countLacking(posts, failures, meter);
        heard(posts.length);
      };
      const write = unlessWaiting(writing(output, written));
      const once = (posts: readonly CorpusPost[], signal: AbortSignal) =>
        inPeace((posts, signal) => run(posts, [write], signal), posts, { meter, say, signal });
      if (questions === undefined) return once(posts, signal);
      return inRounds(once, { posts, output, questions, signal, say });
    },
  };
}

/** `count` of them at most, as far apart as they go: what is known already often stands together. */
export const spread = <T>(all: readonly T[], count: number): readonly T[] =>
  all.length <= count ? all : Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);

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
