import { AsyncLocalStorage } from "node:async_hooks";
import type { OpenStage } from "../flow/types.ts";
import { type Outcome, pass } from "../outcome.ts";
import type { Post } from "../schema/post.ts";

const asking = new AsyncLocalStorage<Post>();
const waiting = new WeakSet<Post>();

/** The post that a stage asks of right now waits for a batch: what later stages would ask of it is not known yet. */
export function markWaiting(): void {
  const post = asking.getStore();
  if (post) waiting.add(post);
}

const quickUnlessWaiting =
  (inner: OpenStage["stage"]): NonNullable<OpenStage["stage"]["quick"]> =>
  (view) =>
    waiting.has(view.post) ? pass("batched") : inner.quick?.(view);

/**
 * The same stage, which leaves posts alone that wait for an answer; they pass as `batched`. One that asks is given its posts one
 * by one, so that each question is known to be of one post.
 */
export function inTurn(open: OpenStage): OpenStage {
  const inner = open.stage;
  const run: typeof inner.run = (batch, signal) =>
    Promise.all(
      batch.map(async (view): Promise<Outcome<object>> => {
        if (waiting.has(view.post)) return pass("batched");
        const [outcome] = await asking.run(view.post, () => inner.run([view], signal));
        return waiting.has(view.post) ? pass("batched") : outcome!;
      }),
    );
  return { ...open, stage: { quick: quickUnlessWaiting(inner), run } };
}

/** For stages that ask nobody: their posts stay together. */
export function unlessWaiting(open: OpenStage): OpenStage {
  const inner = open.stage;
  const run: typeof inner.run = async (batch, signal) => {
    const ready = batch.filter(({ post }) => !waiting.has(post));
    const said = ready.length === 0 ? [] : await inner.run(ready, signal);
    const outcomes = new Map(ready.map((view, i) => [view, said[i]!]));
    return batch.map((view) => outcomes.get(view) ?? pass("batched"));
  };
  return { ...open, stage: { quick: quickUnlessWaiting(inner), run } };
}
