import { codeOf } from "../flow/transit.ts";
import type { OpenStage } from "../flow/types.ts";
import { type Outcome, pass } from "../outcome.ts";
import type { Post } from "../schema/post.ts";
import type { Meter } from "./meter.ts";
import { leave } from "./waiting.ts";

/** What a run left out though it should have come. */
export interface Lacks {
  /** Passes for a reason that makes an event degraded. */
  degraded: number;
  /** Posts that wait for another start, since the model wants to be left alone for long. */
  postponed?: number;
}

/** Why posts lack what stages failed to give: stage and reason. */
export type Failures = WeakMap<Post, readonly string[]>;

/**
 * The same stage, which does nothing more for posts that still wait once `stop` aborts: they pass as `stopped`. Batches under
 * way end as usual. What fails is counted, and noted of its post.
 */
export function stoppable(open: OpenStage, stop: AbortSignal, lacks: Lacks, failures: Failures): OpenStage {
  const { stage: inner, name } = open;
  const counted = (post: Post, outcome: Outcome<object>): void => {
    if (outcome.kind === "pass" && outcome.degraded) lacks.degraded++;
    const why = failureOf(outcome);
    if (why !== undefined) failures.set(post, [...(failures.get(post) ?? []), `${name}: ${why}`]);
  };
  const run: typeof inner.run = async (batch, signal) => {
    if (stop.aborted)
      return batch.map(({ post }) => {
        // Later stages may have an answer ready that lacks what this one would have given.
        leave(post, "stopped");
        return pass("stopped");
      });
    const outcomes = await inner.run(batch, signal);
    for (const [i, outcome] of outcomes.entries()) counted(batch[i]!.post, outcome);
    return outcomes;
  };
  return { ...open, stage: { ...(inner.quick && { quick: (view) => inner.quick!(view) }), run } };
}

function failureOf(outcome: Outcome<object>): string | undefined {
  if (outcome.kind === "fail") return codeOf(outcome.error);
  return outcome.kind === "pass" && outcome.degraded ? outcome.reason : undefined;
}

/** Counts those of the posts, recorded now, that lack something. */
export function countLacking(posts: readonly Post[], failures: Failures, { lacking }: Pick<Meter, "lacking">): void {
  for (const post of posts) {
    const reasons = failures.get(post);
    if (reasons === undefined) continue;
    lacking.posts++;
    for (const reason of reasons) lacking.reasons.set(reason, (lacking.reasons.get(reason) ?? 0) + 1);
  }
}
