import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Fact, Facts, Tagging } from "../facts.ts";
import { fail, type Outcome, ok, pass } from "../outcome.ts";
import type { Delivery, Sink, Source, Stage } from "../plugin.ts";
import type { EntityEvent } from "../schema/event.ts";
import { eventSchema } from "../schema/event.ts";
import { delivered, memorySink, memorySource, postOf } from "./in-memory.ts";
import { runPipeline } from "./run.ts";
import type { BatchReport, OpenPipeline, OpenStage, StageFlow } from "./types.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));
const never = new Promise<never>(() => {});

const okAll = (batch: readonly unknown[]) => batch.map(() => ok({}));
const counting =
  (sizes: number[], ms = 0): Stage["run"] =>
  async (batch) => {
    sizes.push(batch.length);
    if (ms > 0) await sleep(ms);
    return okAll(batch);
  };
const taking = (ms: number) => counting([], ms);

interface Declared {
  readonly needs?: readonly Fact[];
  readonly uses?: readonly Fact[];
  readonly gives?: readonly Fact[];
}

function stageOf(
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
const giving = (answer: (id: string) => Outcome<Partial<Facts>>): Stage["run"] =>
  (async (batch) => batch.map(({ post }) => answer(post.id))) as Stage["run"];

function start(
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
  const done = runPipeline(pipeline, {
    signal: stop.signal,
    observe: { batch: (report) => void reports.push(report) },
  });
  done.catch(() => {});
  return { done, settled, events, dead, stop, reports };
}

const eventsOf = (run: ReturnType<typeof start>) => run.events.records() as EntityEvent[];
const deadOf = (run: ReturnType<typeof start>) =>
  run.dead.records().map((r) => [r.schema === "starling.dead-letter/1" && r.postId, "code" in r && r.code]);

const tagging = (model: string, confidence: number): Tagging => ({
  mentions: [{ start: 0, end: 2, type: "PER", confidence }],
  expected: { correct: confidence, gold: 1 },
  context: "text",
  model,
});
const ask = (yes: boolean) => ({ yes, gain: 1, reason: yes ? "pays" : "confident" });

const drafting = stageOf(
  "draft",
  giving(() => ok({ draft: tagging("draft-1", 0.5) })),
  {},
  { gives: ["draft"] },
);
const gate = stageOf(
  "gate",
  giving((id) => ok({ ask: ask(id === "p1") })),
  {},
  { needs: ["draft"], gives: ["ask"] },
);
const finalStage = (run: (id: string) => Outcome<Partial<Facts>>) =>
  stageOf(
    "final",
    {
      quick: ({ facts }: { facts: Partial<Facts> }) => (facts.ask?.yes ? undefined : ok({ tagging: facts.draft })),
      run: giving(run),
    } as Stage,
    {},
    { needs: ["draft"], uses: ["ask"], gives: ["tagging"] },
  );

test("a post that is asked about sends revision 0, then revision 1; any other sends one final event", async () => {
  const run = start(2, [drafting, gate, finalStage(() => ok({ tagging: tagging("final-1", 0.9) }))]);
  await vi.runAllTimersAsync();
  const summary = await run.done;
  const seen = eventsOf(run).map(({ postId, revision, final, model }) => [postId, revision, final, model]);
  expect(seen.filter(([id]) => id === "p0")).toEqual([["p0", 0, true, "draft-1"]]);
  expect(seen.filter(([id]) => id === "p1")).toEqual([
    ["p1", 0, false, "draft-1"],
    ["p1", 1, true, "final-1"],
  ]);
  expect(summary).toMatchObject({ read: 2, emitted: 2, records: 3, deadLettered: 0 });
  expect(run.settled.toSorted()).toEqual([0, 1]);
  for (const event of eventsOf(run)) expect(eventSchema.safeParse(event).success).toBe(true);
});

test("a final that fails after revision 0 sends the draft as revision 1, degraded", async () => {
  const run = start(2, [drafting, gate, finalStage(() => fail(new Error("no model")))]);
  await vi.runAllTimersAsync();
  await run.done;
  const last = eventsOf(run).find(({ postId, final }) => postId === "p1" && final);
  expect(last).toMatchObject({ revision: 1, model: "draft-1", degraded: [{ stage: "final", reason: "unexpected" }] });
  expect(run.dead.written).toEqual([]);
});

test("an entity says where it stands in UTF-16, in code points and in words", async () => {
  const post = ok({ id: "p1", text: "🎉🎉 Ada Lovelace" });
  const mention = { ...tagging("m", 0.75), mentions: [{ start: 2, end: 4, type: "PER", confidence: 0.75 }] };
  const run = start(
    [delivered(post, 0)],
    [
      stageOf(
        "tag",
        giving(() => ok({ tagging: mention })),
        {},
        { gives: ["tagging"] },
      ),
    ],
  );
  await vi.runAllTimersAsync();
  await run.done;
  expect(eventsOf(run)[0]!.entities).toEqual([
    {
      text: "Ada Lovelace",
      type: "PER",
      start: 5,
      end: 17,
      codePoints: { start: 3, end: 15 },
      words: { start: 2, end: 4 },
      confidence: 0.75,
    },
  ]);
});

test("a mention beyond the words of its post costs that post only", async () => {
  const broken = { ...tagging("m", 1), mentions: [{ start: 0, end: 99, type: "PER", confidence: 1 }] };
  const tag = giving((id) => ok({ tagging: id === "p0" ? broken : tagging("m", 1) }));
  const run = start(2, [stageOf("tag", tag, {}, { gives: ["tagging"] })]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(deadOf(run)).toEqual([["p0", "UNEXPECTED"]]);
  expect(eventsOf(run).map(({ postId }) => postId)).toEqual(["p1"]);
});

test("a post that makes its batch throw is found by running the batch one by one, once", async () => {
  const sizes: number[] = [];
  const run = start(4, [
    stageOf("picky", async (batch) => {
      sizes.push(batch.length);
      if (batch.some(({ post }) => post.id === "p2")) throw new Error("poison");
      return okAll(batch);
    }),
  ]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(sizes).toEqual([4, 1, 1, 1, 1]);
  expect(eventsOf(run)).toHaveLength(3);
  expect(run.dead.records()[0]).toMatchObject({ postId: "p2", stage: "picky", reason: "poison", attempts: 2 });
});

test("too few outcomes are the fault WRONG_OUTCOME_COUNT", async () => {
  const run = start(3, [stageOf("short", async (batch) => batch.slice(1).map(() => ok({})))]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(deadOf(run)).toEqual(["p0", "p1", "p2"].map((id) => [id, "WRONG_OUTCOME_COUNT"]));
});

test("a stage that answers ok without the fact it gives is told so", async () => {
  const run = start(1, [
    stageOf(
      "forgetful",
      giving(() => ok({})),
      {},
      { gives: ["captions"] },
    ),
  ]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(deadOf(run)).toEqual([["p0", "FACT_NOT_GIVEN"]]);
});

test("a stage sees the facts it declared, and passes where one it needs was not given", async () => {
  const seen: string[][] = [];
  const note: Stage["run"] = async (batch) => {
    seen.push(...batch.map(({ facts }) => Object.keys(facts)));
    return okAll(batch);
  };
  const passing = stageOf(
    "retriever",
    giving((id) => (id === "p0" ? pass("empty_bank") : ok({ neighbours: [] }))),
    {},
    { gives: ["neighbours"] },
  );
  const run = start(2, [drafting, passing, stageOf("reader", note, {}, { needs: ["neighbours"] })]);
  await vi.runAllTimersAsync();
  const summary = await run.done;
  expect(seen).toEqual([["neighbours"]]);
  expect(summary.passed).toEqual({ retriever: { empty_bank: 1 }, reader: { no_neighbours: 1 } });
});

test("posts that a stage does not answer in time are lost to it, and their late answer is not heard", async () => {
  const run = start(2, [stageOf("slow", taking(150))]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(deadOf(run)).toEqual([
    ["p0", "STAGE_TIMEOUT"],
    ["p1", "STAGE_TIMEOUT"],
  ]);
  expect(eventsOf(run)).toEqual([]);
});

/** Answers p0 at once, fails p1, and leaves the others to whoever aborts: what `onAbort` makes of them. */
const untilAborted =
  (onAbort: (signal: AbortSignal) => Promise<Outcome<object>>, sizes: number[] = []): Stage["run"] =>
  async (batch, signal) => {
    sizes.push(batch.length);
    return Promise.all(
      batch.map(({ post }) => {
        if (post.id === "p0") return ok({});
        if (post.id === "p1") return fail(new Error("no"));
        return new Promise<Outcome<object>>((done) => {
          signal.addEventListener("abort", () => done(onAbort(signal)));
        });
      }),
    );
  };

test("what a stage has answered when its time is over counts; what it broke off has timed out", async () => {
  const reasons = start(3, [
    stageOf(
      "s",
      untilAborted(async ({ reason }) => fail(reason as Error)),
    ),
  ]);
  const aborts = start(4, [
    stageOf(
      "s",
      untilAborted(async () => fail(new DOMException("stopped", "AbortError"))),
    ),
  ]);
  await vi.runAllTimersAsync();
  expect(await reasons.done).toMatchObject({ emitted: 1, failed: { s: { UNEXPECTED: 1, STAGE_TIMEOUT: 1 } } });
  expect(await aborts.done).toMatchObject({ emitted: 1, failed: { s: { UNEXPECTED: 1, STAGE_TIMEOUT: 2 } } });
  expect(eventsOf(aborts).map(({ postId }) => postId)).toEqual(["p0"]);
  expect(deadOf(aborts)).toEqual([
    ["p1", "UNEXPECTED"],
    ["p2", "STAGE_TIMEOUT"],
    ["p3", "STAGE_TIMEOUT"],
  ]);
});

test("an aborted stage has a tenth of its time left to answer, and no more", async () => {
  const [inTime, late] = [9, 11].map((ms) =>
    start(3, [
      stageOf(
        "s",
        untilAborted(async () => {
          await sleep(ms);
          return ok({});
        }),
      ),
    ]),
  );
  await vi.runAllTimersAsync();
  expect(await inTime!.done).toMatchObject({ emitted: 2, failed: { s: { UNEXPECTED: 1 } } });
  expect(await late!.done).toMatchObject({ emitted: 0, failed: { s: { STAGE_TIMEOUT: 3 } } });
});

test("a batch that throws when it is aborted has timed out, and is not run again", async () => {
  const sizes: number[] = [];
  const run = start(3, [
    stageOf(
      "s",
      untilAborted(({ reason }) => Promise.reject(reason), sizes),
    ),
  ]);
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ emitted: 0, failed: { s: { STAGE_TIMEOUT: 3 } } });
  expect(sizes).toEqual([3]);
});

test("work that timed out keeps its slot until it ends", async () => {
  let running = 0;
  let most = 0;
  const run = start(12, [
    stageOf(
      "slow",
      async (batch) => {
        most = Math.max(most, ++running);
        await sleep(batch[0]!.post.id === "p0" ? 180 : 10);
        running--;
        return okAll(batch);
      },
      { concurrency: 2 },
    ),
  ]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(most).toBe(2);
  expect(deadOf(run)).toHaveLength(4);
  expect(eventsOf(run)).toHaveLength(8);
});

test("one hung run of several lets the others go on, and does not hold up the end", async () => {
  const run = start(20, [
    stageOf("hangs", async (batch) => (batch[0]!.post.id === "p0" ? never : okAll(batch)), {
      concurrency: 2,
    }),
  ]);
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ emitted: 16, deadLettered: 4 });
});

test("a stage whose every slot hangs stops the run with STAGE_STUCK; what waited is not settled", async () => {
  const run = start(12, [stageOf("hangs", () => never, { concurrency: 2 })]);
  await vi.runAllTimersAsync();
  await expect(run.done).rejects.toMatchObject({ code: "STAGE_STUCK", details: { stage: "hangs", slots: 2 } });
  expect(run.settled.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(deadOf(run)).toHaveLength(8);
});

test("the signal of a run is aborted when its time is over", async () => {
  const reasons: unknown[] = [];
  const run = start(1, [
    stageOf("hangs", (_, signal) => {
      signal.addEventListener("abort", () => reasons.push((signal.reason as { code: string }).code));
      return never;
    }),
  ]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(reasons).toEqual(["STAGE_TIMEOUT"]);
});

test("onFail skip goes on without the fact and says so; stop ends the run with the fault", async () => {
  const failing = giving((id) => (id === "p1" ? fail(new Error("no")) : ok({})));
  const skip = start(2, [stageOf("s", failing, { onFail: "skip" })]);
  const stop = start(2, [stageOf("s", failing, { onFail: "stop" })]);
  await vi.runAllTimersAsync();
  expect(await skip.done).toMatchObject({ emitted: 2, failed: { s: { UNEXPECTED: 1 } } });
  expect(eventsOf(skip)[1]!.degraded).toEqual([{ stage: "s", reason: "unexpected" }]);
  await expect(stop.done).rejects.toMatchObject({ code: "STAGE_FAILED", details: { stage: "s", post: "p1" } });
  expect(stop.settled).toEqual([]);
});

test("what quick answers waits for no batch", async () => {
  const stage: Stage = {
    quick: ({ post }) => (post.id === "p0" ? undefined : pass("quick")),
    run: taking(50),
  };
  const run = start(3, [stageOf("s", stage)]);
  await vi.advanceTimersByTimeAsync(10);
  expect(eventsOf(run).map(({ postId }) => postId)).toEqual(["p1", "p2"]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(eventsOf(run)).toHaveLength(3);
});

test("batches close by count, by cost, and when their first post waited long enough", async () => {
  const sizes: number[] = [];
  const count: Stage["run"] = counting(sizes);
  const byCount = start(10, [stageOf("s", count, { concurrency: 9 })], { source: trickle(10) });
  await vi.advanceTimersByTimeAsync(9);
  expect(sizes).toEqual([4, 4]);
  await vi.advanceTimersByTimeAsync(5);
  expect(sizes).toEqual([4, 4, 2]);
  await vi.runAllTimersAsync();
  await byCount.done;

  sizes.length = 0;
  const text = (postOf(0) as { value: { text: string } }).value.text.length;
  const byCost = start(6, [stageOf("s", count, { batch: 99, cost: 2 * text, concurrency: 9 })]);
  await vi.runAllTimersAsync();
  await byCost.done;
  expect(sizes).toEqual([2, 2, 2]);
});

test("while every slot is busy a batch goes on filling", async () => {
  const sizes: number[] = [];
  const slow: Stage["run"] = counting(sizes, 50);
  const run = start(trickle(9), [stageOf("s", slow, { waitMs: 0, batch: 8 })]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(sizes).toEqual([1, 8]);
});

/** One post a millisecond, then silence for a while. */
function trickle(posts: number): Source {
  return {
    async *read() {
      for (let i = 0; i < posts; i++) {
        yield [delivered(postOf(i), i)];
        await sleep(1);
      }
      await sleep(500);
    },
  };
}

test("an abort ends reading, finishes what was read, and leaves the rest in the input", async () => {
  const run = start(50, [stageOf("s", taking(20))], { window: 8 });
  await vi.advanceTimersByTimeAsync(10);
  run.stop.abort();
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ read: 8, emitted: 8 });
  expect(run.settled).toHaveLength(8);
});

test("an abort ends a run whose source never answers", async () => {
  const silent: Source = { read: () => ({ [Symbol.asyncIterator]: () => ({ next: () => never }) }) };
  const run = start(silent, []);
  await vi.advanceTimersByTimeAsync(10);
  run.stop.abort();
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ read: 0, emitted: 0 });
});

test("a source that throws ends the run with its error", async () => {
  const source: Source = {
    async *read() {
      yield [delivered(postOf(0), 0)];
      throw new Error("disk gone");
    },
  };
  const run = start(source, []);
  await vi.runAllTimersAsync();
  await expect(run.done).rejects.toThrow("disk gone");
});

test("a sink that throws stops the run, and nothing it had not acknowledged is settled", async () => {
  const sink: Sink = { write: () => Promise.reject(new Error("broker gone")) };
  const run = start(3, [], { sink });
  await vi.runAllTimersAsync();
  await expect(run.done).rejects.toMatchObject({
    code: "SINK_FAILED",
    message: expect.stringContaining("broker gone"),
  });
  expect(run.settled).toEqual([]);
});

test("a record that the sink refuses is dead-lettered; a dead letter that is refused stops the run", async () => {
  const picky = memorySink(({ post }) => (post?.id === "p1" ? fail(new Error("too large")) : ok(undefined)));
  const refused = start(3, [], { sink: picky.sink });
  const stopped = start(3, [], { sink: picky.sink, deadLetters: memorySink(() => fail(new Error("full"))).sink });
  await vi.runAllTimersAsync();
  expect(await refused.done).toMatchObject({ emitted: 2, deadLettered: 1, failed: { sink: { UNEXPECTED: 1 } } });
  expect(refused.dead.records()[0]).toMatchObject({ postId: "p1", stage: "sink", reason: "too large" });
  await expect(stopped.done).rejects.toMatchObject({ code: "SINK_FAILED", message: expect.stringContaining("full") });
  expect(stopped.settled).toEqual([0, 2]);
});

test("posts that the source no longer owns leave without an event and without being settled", async () => {
  const revoked = new AbortController();
  const settled: number[] = [];
  const deliveries = [0, 1].map((i) => ({
    ...delivered(postOf(i), i, (index) => void settled.push(index)),
    ...(i === 0 && { revoked: revoked.signal }),
  }));
  const run = start(deliveries, [stageOf("s", taking(20))]);
  await vi.advanceTimersByTimeAsync(10);
  revoked.abort();
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ read: 2, emitted: 1, revoked: 1 });
  expect(settled).toEqual([1]);
});

test("a record that is no post, and no failure either, is settled without an event", async () => {
  const settled: number[] = [];
  const run = start([delivered(pass("tombstone"), 0, (i) => void settled.push(i))], [drafting]);
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ read: 1, emitted: 0, passed: { source: { tombstone: 1 } } });
  expect(settled).toEqual([0]);
});

test("a dead letter carries the original bytes and where they came from", async () => {
  const bytes = Buffer.from([0xff, 0x00, 0x7b]);
  const bad: Delivery = {
    post: fail(new Error("not a post")),
    origin: { lane: "t-0", offset: "7", bytes: () => bytes, headers: { trace: "1" } },
    settle() {},
  };
  const run = start([bad], [drafting]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(run.dead.records()).toEqual([
    {
      schema: "starling.dead-letter/1",
      key: "t-0:7:v",
      postId: null,
      stage: "source",
      code: "UNEXPECTED",
      reason: "not a post",
      attempts: 1,
      origin: { lane: "t-0", offset: "7", headers: { trace: "1" } },
      bytes: bytes.toString("base64"),
    },
  ]);
});

test("batches are reported with their size, times and outcomes", async () => {
  const mixed = giving((id) => (id === "p0" ? pass("nothing") : id === "p1" ? fail(new Error("no")) : ok({})));
  const run = start(4, [
    stageOf("s", async (batch, signal) => {
      await sleep(20);
      return mixed(batch, signal);
    }),
  ]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(run.reports).toEqual([
    { stage: "s", size: 4, queueSeconds: 0, computeSeconds: 0.02, ok: 2, passed: 1, failed: 1 },
  ]);
});
