import { toDeadLetter } from "../dead-letter.ts";
import { toEvent } from "../event.ts";
import type { Delivery, Origin } from "../plugin.ts";
import { isDead, type Letter } from "./letter.ts";
import { plainExits } from "./plain-exits.ts";
import { type Released, sequencer } from "./sequence.ts";
import { count, type Tally } from "./tally.ts";
import { transactionalExits } from "./transactions.ts";
import { asError, type Chunk, codeOf, isRetriable, isRevoked, type Transit } from "./transit.ts";
import type { Observe, OpenPipeline } from "./types.ts";

export interface Outlets {
  /** A post is delivered, maybe again. */
  enter(delivery: Delivery): void;
  /** Whether revision 0 of this post was sent when it was delivered before. */
  wasDrafted(delivery: Delivery): boolean;
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
  /** Aborted when nothing more will be read. */
  readonly stopping: AbortSignal;
  /** Gives the credits of posts back that left the run. */
  release(posts: readonly Transit[]): void;
  failed(error: Error): void;
  /** Share of `Sink.gatherMs` that so many records may wait for others; 0 where they should not. */
  patience(letters: number): number;
  rested(): void;
}

/** The ways out: events, dead letters, and back to the source. A post settles when its last record is durable. */
export function outlets(context: OutletContext): Outlets {
  const { pipeline, tally, observe, signal, failed, patience, rested } = context;
  const exact = pipeline.delivery === "exactly-once";
  const sequence = sequencer(exact ? "partition" : (pipeline.order ?? "none"));
  /** Posts that went back to their source after revision 0 had been sent. */
  const drafted = new WeakSet<Origin>();

  /** Settles what is finished, then gives all its credits back at once. */
  const written = (letters: readonly Letter[]) => {
    const finished: Transit[] = [];
    for (const letter of letters) {
      if (isDead(letter)) tally.deadLettered++;
      else {
        tally.records++;
        if (letter.final) tally.emitted++;
      }
      if (!letter.final) continue;
      letter.transit.delivery.settle();
      finished.push(letter.transit);
    }
    observe?.written?.(letters);
    context.release(finished);
  };
  /** A refused draft costs nothing: its correction follows. */
  const refused = ({ transit, final }: Letter, error: Error) => {
    if (final) lose(transit, "sink", error);
    else count(tally.failed, "sink", codeOf(error));
  };
  const passed = (transit: Transit) => {
    const { delivery } = transit;
    if (delivery.post.kind === "pass") count(tally.passed, "source", delivery.post.reason);
    delivery.settle();
    context.release([transit]);
  };
  const revoked = (posts: readonly Transit[]) => {
    tally.revoked += posts.length;
    context.release(posts);
  };
  const makeExits = exact ? transactionalExits : plainExits;
  const exits = makeExits(pipeline, signal, { written, refused, passed, revoked, failed, patience, rested });

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
    exits.push({ record, origin: delivery.origin, post, transit, final });
  };
  const lose = (transit: Transit, stage: string, error: Error, attempts = 1) => {
    count(tally.failed, stage, codeOf(error));
    bury(transit, stage, error, attempts);
  };
  const bury = (transit: Transit, stage: string, error: Error, tries: number) => {
    const { origin, post, attempt = 1 } = transit.delivery;
    const attempts = attempt - 1 + tries;
    const postId = post.kind === "ok" ? post.value.id : null;
    const record = toDeadLetter({ postId, origin, stage, error, attempts }, pipeline.version);
    exits.push({ record, origin, transit, final: true, ...(post.kind === "ok" && { post: post.value }) });
  };

  /** Sends one post on its way out. */
  const leave = (transit: Transit, now: number) => {
    const { failure, delivery } = transit;
    if (isRevoked(transit)) revoked([transit]);
    else if (delivery.post.kind === "pass") exits.pass(transit);
    else if (failure === null) emit(transit, transit.drafted ? 1 : 0, true, now);
    else if (failure.stage === "source") lose(transit, failure.stage, failure.error);
    else if (transit.drafted) correct(transit, failure.stage, failure.error, now);
    else bury(transit, failure.stage, failure.error, failure.attempts);
  };
  const go = ({ out, back }: Released, now: number) => {
    for (const transit of out)
      try {
        leave(transit, now);
      } catch (thrown) {
        // An event that cannot be built is the fault of the stage that gave its facts; the post is kept.
        lose(transit, "event", asError(thrown));
      }
    giveBack(back);
  };
  const giveBack = (posts: readonly Transit[]) => {
    if (posts.length === 0) return;
    tally.unfinished += posts.length;
    context.release(posts);
  };
  /** Whether the source took the post back, because its failure may pass. */
  const wentBack = (transit: Transit): boolean => {
    const { failure, delivery } = transit;
    if (failure === null || !isRetriable(failure.error) || isRevoked(transit)) return false;
    if (delivery.redeliver?.(failure.error) !== true) return false;
    if (transit.drafted) drafted.add(delivery.origin);
    return true;
  };
  /** Whoever saw revision 0 is owed a last one: the draft again, degraded. */
  const correct = (transit: Transit, stage: string, error: Error, now: number) => {
    transit.degraded = [...transit.degraded, { stage, reason: codeOf(error).toLowerCase() }];
    emit(transit, 1, true, now);
  };

  return {
    enter: sequence.enter,
    wasDrafted: ({ origin }) => drafted.has(origin),
    send(chunk) {
      const now = performance.now();
      for (const transit of chunk) {
        if (!wentBack(transit)) go(sequence.leave(transit), now);
        else if (context.stopping.aborted) {
          go(sequence.cut(transit), now);
          giveBack([transit]);
        } else {
          tally.redelivered++;
          context.release([transit]);
        }
      }
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
      return exits.idle;
    },
  };
}

function timingsOf({ readAt, stageMs }: Transit, { stages }: OpenPipeline, now: number) {
  const byName: Record<string, number> = {};
  for (let i = 0; i < stageMs.length; i++) byName[stages[i]!.name] = microseconds(stageMs[i]!);
  return { totalMs: microseconds(now - readAt), stages: byName };
}

/** Milliseconds to three digits: more would be noise, and slow to write. */
const microseconds = (ms: number) => Math.round(ms * 1000) / 1000;
