import { Observable, type OperatorFunction, type Subscriber } from "rxjs";
import { Fault } from "../errors.ts";
import type { Facts } from "../facts.ts";
import { fail, type Outcome } from "../outcome.ts";
import { answerBatch, quickAnswer } from "./answer.ts";
import { apply } from "./apply.ts";
import { batched } from "./batched.ts";
import { slotsOf } from "./slots.ts";
import type { Tally } from "./tally.ts";
import { asError, type Chunk, isOut, type Transit } from "./transit.ts";
import type { BatchReport, Observe, OpenStage, Said, StageLoad } from "./types.ts";

export interface StageContext {
  readonly tally: Tally;
  readonly observe?: Observe | undefined;
  /** Each stage adds itself, once it runs. */
  readonly loads?: StageLoad[];
}

/** Posts that run together, and how often each was in a run with this one. */
interface Work {
  readonly batch: Chunk;
  readonly attempt: 1 | 2;
}

/**
 * Runs one stage over a stream of posts. Posts may leave in another order than they came. Lost posts pass by untouched,
 * and so do those that `quick` answers: neither waits for a batch.
 */
export const runStage =
  (open: OpenStage, context: StageContext): OperatorFunction<Chunk, Chunk> =>
  (source) =>
    new Observable((out) => {
      const stage = stageRunner(open, context, out);
      const input = source.subscribe({ next: stage.take, error: (error) => out.error(error), complete: stage.end });
      return () => {
        input.unsubscribe();
        stage.stop();
      };
    });

function stageRunner(open: OpenStage, { tally, observe, loads }: StageContext, out: Subscriber<Chunk>) {
  const { flow, name } = open;
  const ready: Work[] = [];
  let unanswered = 0;
  let ended = false;
  let stuckTimer: ReturnType<typeof setTimeout> | undefined;

  const slots = slotsOf({ slots: flow.concurrency, timeoutMs: flow.timeoutMs }, () => {
    startReady();
    watch();
  });
  const filling = batched<Transit>(
    {
      count: flow.batch,
      waitMs: flow.waitMs,
      ...(flow.cost !== undefined && { cost: { limit: flow.cost, of: ({ post }) => post.text.length } }),
    },
    () => slots.free && ready.length === 0,
    (batch) => {
      ready.push({ batch, attempt: 1 });
      startReady();
    },
  );

  const startReady = () => {
    while (!out.closed && slots.free && ready.length > 0) start(ready.shift()!);
    if (slots.free) filling.offer();
  };

  /** All slots hung and posts waiting: one more time limit, then the run must not stay silent. */
  const watch = () => {
    const stuck = !out.closed && slots.stuck && (ready.length > 0 || filling.size > 0);
    if (!stuck) {
      clearTimeout(stuckTimer);
      stuckTimer = undefined;
    } else
      stuckTimer ??= setTimeout(() => {
        out.error(new Fault("STAGE_STUCK", { stage: name, slots: flow.concurrency, afterMs: flow.timeoutMs }));
      }, flow.timeoutMs);
  };

  const timedOut = () => new Fault("STAGE_TIMEOUT", { stage: name, afterMs: flow.timeoutMs });

  const start = (work: Work) => {
    const startedAt = performance.now();
    const queueSeconds = (startedAt - work.batch[0]!.arrivedAt) / 1000;
    const answer = (outcomes: readonly Outcome<Partial<Facts>>[]) => deliver(work, outcomes, startedAt, queueSeconds);
    const lose = (error: Error) => answer(work.batch.map(() => fail(error)));
    slots.start(
      {
        run: (signal) => answerBatch(open, work.batch, signal),
        done: answer,
        cut: (outcomes, reason) => answer(outcomes.map((outcome) => blamed(outcome, reason))),
        threw: (thrown) => {
          if (work.batch.length === 1 || out.closed) lose(asError(thrown));
          else ready.unshift(...work.batch.map((transit): Work => ({ batch: [transit], attempt: 2 })));
        },
        late: () => lose(timedOut()),
      },
      timedOut,
    );
  };

  /** Whoever was told to stop says so in its own words; what happened is that the time was over. */
  const blamed = (outcome: Outcome<Partial<Facts>>, reason: Error) =>
    outcome?.kind === "fail" && outcome.error.name === "AbortError" ? fail(reason) : outcome;

  const deliver = (
    { batch, attempt }: Work,
    outcomes: readonly Outcome<Partial<Facts>>[],
    startedAt: number,
    queueSeconds: number,
  ) => {
    if (out.closed) return;
    const now = performance.now();
    const said: Said[] = [];
    unanswered -= batch.length;
    if (!applyAll(batch, (transit, i) => said.push(hear(transit, outcomes[i]!, now, attempt)))) return;
    if (observe?.batch !== undefined)
      report({ quick: false, startedAt, posts: batch, said, queueSeconds, computeSeconds: (now - startedAt) / 1000 });
    out.next(batch);
    finish();
  };

  const hear = (transit: Transit, outcome: Outcome<Partial<Facts>>, now: number, attempt: number): Said => {
    transit.stageMs.push(now - transit.arrivedAt);
    return apply(open, transit, outcome, tally, attempt);
  };

  /** Applies `act` to every post; answers false where `onFail: stop` ended the run. */
  const applyAll = (batch: Chunk, act: (transit: Transit, index: number) => void): boolean => {
    try {
      batch.forEach(act);
      return true;
    } catch (error) {
      out.error(error);
      return false;
    }
  };

  const finish = () => {
    if (ended && unanswered === 0) out.complete();
  };

  const take = (chunk: Chunk) => {
    const now = performance.now();
    const through: Transit[] = [];
    const waiting: Transit[] = [];
    const said: Said[] = [];
    const sorted = applyAll(chunk, (transit) => {
      const answer = isOut(transit) ? null : arrive(transit);
      if (answer === undefined) waiting.push(transit);
      else {
        if (answer !== null) said.push(hear(transit, answer, now, 1));
        through.push(transit);
      }
    });
    if (!sorted) return;
    if (said.length > 0 && observe?.batch !== undefined)
      report({ quick: true, startedAt: now, posts: [], said, queueSeconds: 0, computeSeconds: 0 });
    unanswered += waiting.length;
    if (through.length > 0) out.next(through);
    if (waiting.length > 0) filling.add(waiting);
    if (slots.stuck) watch();

    function arrive(transit: Transit) {
      transit.arrivedAt = now;
      return quickAnswer(open, transit);
    }
  };

  const report = (seen: Omit<BatchReport, "stage" | "plugin" | "size" | Said>) => {
    const counts = { ok: 0, passed: 0, failed: 0 };
    for (const one of seen.said) counts[one]++;
    observe?.batch?.({ stage: name, plugin: open.plugin.name, size: seen.said.length, ...counts, ...seen });
  };

  const waiting = () => ready.reduce((sum, { batch }) => sum + batch.length, filling.size);
  loads?.push({
    stage: name,
    get waiting() {
      return waiting();
    },
    get running() {
      return unanswered - waiting();
    },
  });

  return {
    take,
    end() {
      ended = true;
      filling.flush();
      watch();
      finish();
    },
    stop() {
      clearTimeout(stuckTimer);
      filling.cancel();
      slots.abort();
    },
  };
}
