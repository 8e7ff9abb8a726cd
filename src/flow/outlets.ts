import { toDeadLetter } from "../dead-letter.ts";
import { toEvent } from "../event.ts";
import type { Outcome } from "../outcome.ts";
import type { Output } from "../plugin.ts";
import { count, type Tally } from "./tally.ts";
import { asError, type Chunk, codeOf, isRevoked, type Transit } from "./transit.ts";
import type { Observe, OpenPipeline } from "./types.ts";
import { sinkFault, writer } from "./writer.ts";

interface Letter extends Output {
  readonly transit: Transit;
  /** The last record of its post. */
  readonly final: boolean;
}

export interface Outlets {
  /** Posts that did all their stages, or were lost on the way. */
  send(chunk: Chunk): void;
  /** Posts that may be asked about: revision 0 of those that are. */
  draft(chunk: Chunk): void;
  readonly idle: boolean;
}

export interface OutletContext {
  readonly pipeline: OpenPipeline;
  readonly tally: Tally;
  readonly observe: Observe | undefined;
  /** Aborted when the run fails: nothing more is written. */
  readonly signal: AbortSignal;
  /** Gives the credits of posts back that left the run. */
  release(posts: number): void;
  failed(error: Error): void;
  rested(): void;
}

/** The two ways out: the sink for events, the dead-letter sink for posts that were lost. A post settles when its last record is acknowledged. */
export function outlets(context: OutletContext): Outlets {
  const { pipeline, tally, observe, signal, failed, rested } = context;
  const events = writer<Letter>("sink", pipeline.sink, signal, {
    concluded: (letters, outcomes) => conclude(letters, outcomes, emitted),
    failed,
    rested,
  });
  const deadLetters = writer<Letter>("deadLetters", pipeline.deadLetters, signal, {
    concluded: (letters, outcomes) => conclude(letters, outcomes, buried),
    failed,
    rested,
  });

  /** Settles what `acknowledge` calls finished, then gives all their credits back at once. */
  const conclude = (
    letters: readonly Letter[],
    outcomes: readonly Outcome<void>[],
    acknowledge: (letter: Letter, outcome: Outcome<void>) => boolean,
  ) => {
    let finished = 0;
    const now = performance.now();
    for (let i = 0; i < letters.length; i++) {
      const letter = letters[i]!;
      if (!acknowledge(letter, outcomes[i]!)) continue;
      letter.transit.delivery.settle();
      finished++;
    }
    if (observe?.event !== undefined) report(letters, outcomes, now, observe);
    context.release(finished);
  };
  const emitted = ({ transit, final }: Letter, outcome: Outcome<void>) => {
    if (outcome.kind === "fail") {
      // A refused draft costs nothing: its correction follows.
      if (final) lose(transit, "sink", outcome.error);
      else count(tally.failed, "sink", codeOf(outcome.error));
      return false;
    }
    tally.records++;
    if (final) tally.emitted++;
    return final;
  };
  const buried = (_: Letter, outcome: Outcome<void>) => {
    if (outcome.kind === "fail") throw sinkFault("deadLetters", outcome.error);
    tally.deadLettered++;
    return true;
  };

  const emit = (transit: Transit, revision: 0 | 1, final: boolean, now: number) => {
    const { post, delivery } = transit;
    const record = toEvent(
      {
        post,
        origin: delivery.origin,
        facts: transit.facts,
        passed: transit.passed,
        degraded: transit.degraded,
        timings: timingsOf(transit, pipeline, now),
      },
      { revision, final, pipeline: pipeline.version },
    );
    events.push({ record, origin: delivery.origin, post, transit, final });
  };
  const lose = (transit: Transit, stage: string, error: Error, attempts = 1) => {
    count(tally.failed, stage, codeOf(error));
    bury(transit, stage, error, attempts);
  };
  const bury = (transit: Transit, stage: string, error: Error, attempts: number) => {
    const { origin, post } = transit.delivery;
    const postId = post.kind === "ok" ? post.value.id : null;
    const record = toDeadLetter({ postId, origin, stage, error, attempts }, pipeline.version);
    deadLetters.push({ record, origin, transit, final: true, ...(post.kind === "ok" && { post: post.value }) });
  };

  /** Sends one post on its way out; answers whether its credit is free already. */
  const leave = (transit: Transit, now: number): boolean => {
    const { failure, delivery } = transit;
    if (isRevoked(transit)) {
      tally.revoked++;
      return true;
    }
    if (delivery.post.kind === "pass") {
      count(tally.passed, "source", delivery.post.reason);
      delivery.settle();
      return true;
    }
    if (failure === null) emit(transit, transit.drafted ? 1 : 0, true, now);
    else if (failure.stage === "source") lose(transit, failure.stage, failure.error);
    else if (transit.drafted) correct(transit, failure.stage, failure.error, now);
    else bury(transit, failure.stage, failure.error, failure.attempts);
    return false;
  };
  /** Whoever saw revision 0 is owed a last one: the draft again, degraded. */
  const correct = (transit: Transit, stage: string, error: Error, now: number) => {
    transit.degraded = [...transit.degraded, { stage, reason: codeOf(error).toLowerCase() }];
    emit(transit, 1, true, now);
  };

  return {
    send(chunk) {
      let free = 0;
      const now = performance.now();
      for (const transit of chunk)
        try {
          if (leave(transit, now)) free++;
        } catch (thrown) {
          // An event that cannot be built is the fault of the stage that gave its facts; the post is kept.
          lose(transit, "event", asError(thrown));
        }
      if (free > 0) context.release(free);
    },
    draft(chunk) {
      const now = performance.now();
      for (const transit of chunk) {
        const { facts, failure, drafted } = transit;
        if (failure !== null || drafted || facts.ask?.yes !== true || facts.draft === undefined) continue;
        transit.drafted = true;
        emit(transit, 0, false, now);
      }
    },
    get idle() {
      return events.idle && deadLetters.idle;
    },
  };
}

function report(letters: readonly Letter[], outcomes: readonly Outcome<void>[], now: number, observe: Observe): void {
  letters.forEach(({ transit, record, final }, i) => {
    if (outcomes[i]!.kind === "fail") return;
    const kind = record.schema === "starling.dead-letter/1" ? "deadLettered" : "emitted";
    observe.event?.({ kind, final, totalSeconds: (now - transit.readAt) / 1000 });
  });
}

function timingsOf({ readAt, stageMs }: Transit, { stages }: OpenPipeline, now: number) {
  const byName: Record<string, number> = {};
  for (let i = 0; i < stageMs.length; i++) byName[stages[i]!.name] = microseconds(stageMs[i]!);
  return { totalMs: microseconds(now - readAt), stages: byName };
}

/** Milliseconds to three digits: more would be noise, and slow to write. */
const microseconds = (ms: number) => Math.round(ms * 1000) / 1000;
