import { afterEach, beforeEach, vi } from "vitest";
import type { Fact, Facts, Tagging } from "../facts.ts";
import { type Outcome, ok } from "../outcome.ts";
import type { Delivery, Source, Stage } from "../plugin.ts";
import type { EntityEvent } from "../schema/event.ts";
import { delivered, memorySink, memorySource, postOf } from "./in-memory.ts";
import { runPipeline } from "./run.ts";
import type { BatchReport, LiveRun, OpenPipeline, OpenStage, StageFlow } from "./types.ts";

export const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

export const never = new Promise<never>(() => {});

export const okAll = (batch: readonly unknown[]) => batch.map(() => ok({}));

export const counting =
  (sizes: number[], ms = 0): Stage["run"] =>
  async (batch) => {
    sizes.push(batch.length);
    if (ms > 0) await sleep(ms);
    return okAll(batch);
  };

export const taking = (ms: number) => counting([], ms);

export interface Declared {
  readonly needs?: readonly Fact[];
  readonly uses?: readonly Fact[];
  readonly gives?: readonly Fact[];
}

export function stageOf(
  name: string,
  run: Stage["run"] | Stage,
  flow: Partial<StageFlow> = {},
  { needs = [], uses = [], gives = [] }: Declared = {},
): OpenStage {
  return {
    name,
    plugin: { name, needs, uses, gives },
    stage: typeof run === "function" ? { run } : run,
    flow: { batch: 4, waitMs: 5, concurrency: 1, timeoutMs: 100, onFail: "divert", ...flow },
  };
}

/** A stage of facts that the types of a bare `Stage` do not know. */
export const giving = (answer: (id: string) => Outcome<Partial<Facts>>): Stage["run"] =>
  (async (batch) => batch.map(({ post }) => answer(post.id))) as Stage["run"];

export function start(
  posts: number | readonly Delivery[] | Source,
  stages: readonly OpenStage[],
  more: Partial<OpenPipeline> = {},
) {
  const settled: number[] = [];
  const deliveries =
    typeof posts === "number"
      ? Array.from({ length: posts }, (_, i) => delivered(postOf(i), i, (index) => void settled.push(index)))
      : posts;
  const source = Symbol.iterator in deliveries ? memorySource([deliveries]) : (deliveries as Source);
  const events = memorySink();
  const dead = memorySink();
  const stop = new AbortController();
  const reports: BatchReport[] = [];
  const pipeline = { source, sink: events.sink, deadLetters: dead.sink, stages, window: 64, version: "v", ...more };
  const live: LiveRun[] = [];
  const done = runPipeline(pipeline, {
    signal: stop.signal,
    observe: { started: (run) => void live.push(run), batch: (report) => void reports.push(report) },
  });
  done.catch(() => {});
  return { done, settled, events, dead, stop, reports, live: live[0]! };
}

export const eventsOf = (run: ReturnType<typeof start>) => run.events.records() as EntityEvent[];

export const deadOf = (run: ReturnType<typeof start>) =>
  run.dead.records().map((r) => [r.schema === "starling.dead-letter/1" && r.postId, "code" in r && r.code]);

export const tagging = (model: string, confidence: number): Tagging => ({
  mentions: [{ start: 0, end: 2, type: "PER", confidence }],
  expected: { correct: confidence, gold: 1 },
  context: "text",
  model,
});

/** Every test runs on a clock that it moves itself. */
export function onVirtualTime(): void {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
}
