import type { Fact } from "../facts.ts";
import type { DeliveryMode, Order, Output, Sink, Source, Stage } from "../plugin.ts";

/** What becomes of a post that a stage could not handle: go on without the fact, go to the dead letters, or end the run. */
export type OnFail = "skip" | "divert" | "stop";

/** The core's own settings of one stage; they sit beside `use` in the config. */
export interface StageFlow {
  /** Posts in one `run`, at most. */
  readonly batch: number;
  /** How long the first post of a batch waits for others, in milliseconds. */
  readonly waitMs: number;
  /** Batches running at the same time, at most. */
  readonly concurrency: number;
  /** Time limit of one `run`, in milliseconds. */
  readonly timeoutMs: number;
  readonly onFail: OnFail;
  /** A batch closes when the characters of its posts pass this limit. */
  readonly cost?: number;
}

export interface OpenStage {
  /** Unique in the pipeline; metrics, dead letters and `passed` carry it. */
  readonly name: string;
  readonly plugin: {
    readonly name: string;
    readonly needs: readonly Fact[];
    readonly uses: readonly Fact[];
    readonly gives: readonly Fact[];
  };
  readonly stage: Stage;
  readonly flow: StageFlow;
}

/** Everything opened, checked and ready to run; `runPipeline` closes nothing. */
export interface OpenPipeline {
  readonly source: Source;
  readonly sink: Sink;
  readonly deadLetters: Sink;
  readonly stages: readonly OpenStage[];
  /** Posts taken from the source and not yet settled, at most. */
  readonly window: number;
  /** `at-least-once` by default. */
  readonly delivery?: DeliveryMode;
  /** `none` by default; `delivery: exactly-once` keeps the order of each lane whatever this says. */
  readonly order?: Order;
  /** How long a stop waits for posts under way, in milliseconds; without it, until they are done. */
  readonly drainMs?: number;
  /** Changes whenever the same post may give another event; part of every event's key. */
  readonly version: string;
}

/** Sees what flows; metrics and logs are made of it. Called often: it must be quick and must not throw. */
export interface Observe {
  /** The run begins. */
  started?(run: LiveRun): void;
  batch?(report: BatchReport): void;
  /** Records that were acknowledged together. */
  written?(records: readonly Written[]): void;
}

/** A run while it runs; every number is that of the moment it is read. */
export interface LiveRun {
  readonly counts: Pick<RunSummary, "read" | "passed" | "failed">;
  /** Posts read and not yet settled. */
  readonly inFlight: number;
  /** Since the oldest of them was read; 0 where there is none. */
  readonly oldestSeconds: number;
  readonly window: number;
  readonly stages: readonly StageLoad[];
}

export interface StageLoad {
  readonly stage: string;
  /** Posts in a batch that runs. */
  readonly running: number;
  /** Posts that wait for a batch. */
  readonly waiting: number;
}

export type Said = "ok" | "passed" | "failed";

export interface BatchReport {
  readonly stage: string;
  readonly plugin: string;
  readonly size: number;
  /** Answered by `quick`, before any queue or batch; queue and compute are then 0. */
  readonly quick: boolean;
  /** When `run` began, and when each post came to the stage, in the order of `said`, on the clock of `performance.now()`. */
  readonly startedAt: number;
  readonly posts: readonly { readonly arrivedAt: number }[];
  /** What was said of each post. */
  readonly said: readonly Said[];
  /** From the first post's arrival at the stage to the start of `run`. */
  readonly queueSeconds: number;
  readonly computeSeconds: number;
  readonly ok: number;
  readonly passed: number;
  readonly failed: number;
}

/** An event or a dead letter that is durable. */
export interface Written extends Output {
  /** The last record of its post. */
  readonly final: boolean;
  /** `readAt` on the clock of `performance.now()`. */
  readonly transit: { readonly readAt: number };
}

export interface RunOptions {
  /** Aborting it is a graceful stop: reading ends, what was read is finished and settled, then the run returns. */
  readonly signal: AbortSignal;
  readonly observe?: Observe;
}

export interface RunSummary {
  /** Posts taken from the source, unreadable ones included. */
  readonly read: number;
  /** Posts whose last event was acknowledged. */
  readonly emitted: number;
  /** Records that the sink acknowledged, first revisions included. */
  readonly records: number;
  readonly deadLettered: number;
  /** Posts that were given back because the source had revoked them. */
  readonly revoked: number;
  /** Posts that went back to their source after a failure that may pass, counted each time. */
  readonly redelivered: number;
  /** Posts that a stop left in the input, though they had been read. */
  readonly unfinished: number;
  /** Unsettled posts at the worst moment. */
  readonly peakInFlight: number;
  /** Passes by stage, then by reason. */
  readonly passed: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Failures by stage (`source` and `sink` too), then by fault code. */
  readonly failed: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Runs until the input ends, `signal` aborts, or a fault stops it; `src/flow/run.ts` implements it. */
export type RunPipeline = (pipeline: OpenPipeline, options: RunOptions) => Promise<RunSummary>;
