import assert from "node:assert/strict";
import fc from "fast-check";
import { afterEach, beforeEach, test, vi } from "vitest";
import { fail, type Outcome, ok, pass } from "../outcome.ts";
import type { Output, Stage, View } from "../plugin.ts";
import { delivered, memorySink, memorySource, postOf } from "./in-memory.ts";
import { runPipeline } from "./run.ts";
import type { OpenPipeline, OpenStage } from "./types.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** What a stage does with a post. */
const manners = ["ok", "pass", "fail", "throw", "short", "slow", "quick", "quickThrow"] as const;
type Manner = (typeof manners)[number];

interface StagePlan {
  readonly batch: number;
  readonly waitMs: number;
  readonly concurrency: number;
  readonly onFail: "skip" | "divert";
  readonly cost: number | undefined;
  readonly delayMs: number;
  readonly manners: readonly Manner[];
}

const TIMEOUT_MS = 100;

const stagePlan = fc.record<StagePlan>({
  batch: fc.integer({ min: 1, max: 9 }),
  waitMs: fc.constantFrom(0, 1, 20),
  concurrency: fc.integer({ min: 1, max: 4 }),
  onFail: fc.constantFrom("skip", "divert"),
  cost: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
  delayMs: fc.integer({ min: 0, max: 40 }),
  manners: fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.constant<Manner>("ok") },
      { weight: 4, arbitrary: fc.constantFrom(...manners) },
    ),
    { minLength: 1, maxLength: 30 },
  ),
});

const plan = fc.record({
  posts: fc.integer({ min: 0, max: 60 }),
  chunk: fc.integer({ min: 1, max: 25 }),
  window: fc.integer({ min: 1, max: 20 }),
  unreadable: fc.integer({ min: 2, max: 30 }),
  refused: fc.integer({ min: 2, max: 30 }),
  sinkMs: fc.integer({ min: 0, max: 30 }),
  stages: fc.array(stagePlan, { maxLength: 3 }),
});

const indexOf = ({ post }: { post: { id: string } }) => Number(post.id.slice(1));

/** In time for a slot to come free before the run counts as stuck. */
const slowMs = TIMEOUT_MS * 1.5;

function openStage(plan: StagePlan, name: string): OpenStage {
  const mannerOf = (view: View) => plan.manners[indexOf(view) % plan.manners.length]!;
  const stage: Stage = {
    quick(view) {
      const manner = mannerOf(view);
      if (manner === "quickThrow") throw new Error("quick is broken");
      return manner === "quick" ? pass("quick") : undefined;
    },
    async run(batch) {
      const seen = batch.map(mannerOf);
      await sleep(seen.includes("slow") ? slowMs : plan.delayMs + batch.length);
      if (seen.includes("throw")) throw new Error("poison");
      const outcomes = seen.map((manner): Outcome<object> => {
        if (manner === "fail") return fail(new Error("no"));
        return manner === "pass" ? pass("nothing") : ok({});
      });
      return seen.includes("short") ? outcomes.slice(1) : outcomes;
    },
  };
  const { batch, waitMs, concurrency, onFail, cost } = plan;
  const flow = { batch, waitMs, concurrency, timeoutMs: TIMEOUT_MS, onFail, ...(cost !== undefined && { cost }) };
  return { name, plugin: { name, needs: [], uses: [], gives: [] }, stage, flow };
}

test("every post is emitted or dead-lettered once, then settled once, and the window holds", async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (plan) => {
      const settled = Array.from({ length: plan.posts }, () => 0);
      const source = Array.from({ length: plan.posts }, (_, i) =>
        delivered(
          i % plan.unreadable === 1 ? fail(new Error("not a post")) : postOf(i),
          i,
          (index) => void settled[index]!++,
        ),
      );
      const chunks = Array.from({ length: Math.ceil(plan.posts / plan.chunk) }, (_, i) =>
        source.slice(i * plan.chunk, (i + 1) * plan.chunk),
      );
      const events = memorySink(async ({ origin }: Output) => {
        await sleep(plan.sinkMs);
        return Number(origin.offset) % plan.refused === 1 ? fail(new Error("refused")) : ok(undefined);
      });
      const dead = memorySink();
      const stages = plan.stages.map((stage, i) => openStage(stage, `stage${i}`));
      const pipeline: OpenPipeline = {
        source: memorySource(chunks),
        sink: events.sink,
        deadLetters: dead.sink,
        stages,
        window: plan.window,
        version: "v",
      };
      const running = runPipeline(pipeline, { signal: new AbortController().signal });
      const [summary] = await Promise.all([running, vi.runAllTimersAsync()]);

      const ends = [...events.written, ...dead.written]
        .map(({ origin }) => Number(origin.offset))
        .sort((a, b) => a - b);
      assert.deepEqual(
        ends,
        source.map((_, i) => i),
        "each post has one end",
      );
      assert.deepEqual(
        settled,
        source.map(() => 1),
        "each post settles once",
      );
      assert.ok(summary.peakInFlight <= plan.window, `${summary.peakInFlight} of ${plan.window} in flight`);
      assert.equal(summary.read, plan.posts);
      assert.equal(summary.emitted, events.written.length);
      assert.equal(summary.deadLettered, dead.written.length);
      expectEnds(plan, events.written, dead.written);
    }),
    { numRuns: 300 },
  );
});

/** Who shares no batch with a slow post is judged on its own merits alone. */
function expectEnds(
  { stages, unreadable, refused }: { stages: readonly StagePlan[]; unreadable: number; refused: number },
  emitted: readonly Output[],
  dead: readonly Output[],
) {
  if (stages.some(({ manners }) => manners.includes("slow"))) return;
  const bad: readonly Manner[] = ["fail", "throw", "short", "quickThrow"];
  const divertedBy = (i: number) =>
    stages.findIndex(({ manners, onFail }) => onFail === "divert" && bad.includes(manners[i % manners.length]!));
  for (const { record, origin } of emitted) {
    const i = Number(origin.offset);
    assert.equal(divertedBy(i), -1, `post ${i} should have been diverted`);
    assert.ok(record.schema === "starling.entities/1");
    const skipped = stages.flatMap(({ manners }, s) =>
      bad.includes(manners[i % manners.length]!) ? [`stage${s}`] : [],
    );
    assert.deepEqual(
      record.degraded.map(({ stage }) => stage),
      skipped,
    );
  }
  for (const { record, origin } of dead) {
    const i = Number(origin.offset);
    assert.ok(record.schema === "starling.dead-letter/1");
    const by = divertedBy(i);
    const expected = i % unreadable === 1 ? "source" : by === -1 ? "sink" : `stage${by}`;
    assert.equal(record.stage, expected);
    if (expected === "sink") assert.equal(i % refused, 1);
  }
}
