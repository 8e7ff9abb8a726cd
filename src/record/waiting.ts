import { AsyncLocalStorage } from "node:async_hooks";
import type { ChatReason } from "../chat/reason.ts";
import type { OpenStage } from "../flow/types.ts";
import { type Outcome, pass } from "../outcome.ts";
import type { Post } from "../schema/post.ts";

/** Why a post waits: its turn to be asked of has yet to come, the asking was ended before, or why a model gave it no answer. */
export type Wait = "waiting" | "stopped" | ChatReason;

/** What a model may answer another time. Not: a picture that it refuses, an answer that nobody can read. */
const PASSING: ReadonlySet<string> = new Set<ChatReason>([
  "batched",
  "budget",
  "circuit_open",
  "denied",
  "llm_error",
  "rate_limited",
  "timeout",
]);

interface Asking {
  readonly post: Post;
  /** One for each question that waits. */
  readonly waits: Set<{ readonly wait: Wait }>;
  asked: boolean;
  /** What to do where the stage makes nothing of what it was told. */
  readonly unread: (() => void)[];
}

const asking = new AsyncLocalStorage<Asking>();
const waits = new WeakMap<Post, Wait>();

/**
 * The post that a stage asks of right now waits: what later stages would ask of it is not known yet. The function that comes back says
 * that the question goes out after all.
 */
export function markWaiting(wait: Wait): () => void {
  const now = asking.getStore();
  const mark = { wait };
  now?.waits.add(mark);
  return () => {
    if (now === undefined) return;
    now.asked = true;
    now.waits.delete(mark);
  };
}

/** Calls `then` where the stage that asks right now gives nothing, though it is told an answer. */
export const whenUnread = (then: () => void): void => void asking.getStore()?.unread.push(then);

/** The post is left for another start: later stages leave it alone. */
export const leave = (post: Post, wait: Wait): void => {
  if (!waits.has(post)) waits.set(post, wait);
};

/** What the post still waits for after a run. */
export const waitOf = (post: Post): Wait | undefined => waits.get(post);

const waitingPass = (post: Post): Outcome<never> | undefined => {
  const wait = waits.get(post);
  return wait && pass(wait);
};

const quickUnlessWaiting =
  (inner: OpenStage["stage"]): NonNullable<OpenStage["stage"]["quick"]> =>
  (view) =>
    waitingPass(view.post) ?? inner.quick?.(view);

/**
 * The same stage, which leaves posts alone that wait; they pass for what they wait for. One that asks is given its posts one by one, so
 * that each question is known to be of one post. A post whose time was over before it was asked of waits too: for a record there is
 * no hurry.
 */
export function inTurn(open: OpenStage): OpenStage {
  const inner = open.stage;
  const run: typeof inner.run = (batch, signal) =>
    Promise.all(
      batch.map(async (view): Promise<Outcome<object>> => {
        const { post } = view;
        const before = waitingPass(post);
        if (before) return before;
        const now: Asking = { post, waits: new Set(), asked: false, unread: [] };
        const [outcome] = await asking.run(now, () => inner.run([view], signal));
        const wait = waitAfter(now, outcome!);
        if (wait !== undefined) {
          waits.set(post, wait);
          return pass(wait, wait === "budget");
        }
        if (outcome!.kind !== "ok") for (const tell of now.unread) tell();
        const without = lacks(open, outcome!);
        if (without !== undefined) leave(post, without);
        return outcome!;
      }),
    );
  return { ...open, stage: { quick: quickUnlessWaiting(inner), run } };
}

/**
 * Why a post that is asked of later should wait for another start: recorded without what a model failed to say of it now, such as a
 * caption, it would never be asked of again.
 */
function lacks({ plugin: { gives } }: OpenStage, outcome: Outcome<object>): Wait | undefined {
  if (gives.includes("knowledge") || outcome.kind !== "pass" || !outcome.degraded) return undefined;
  return PASSING.has(outcome.reason) ? (outcome.reason as ChatReason) : undefined;
}

function waitAfter({ waits, asked }: Asking, outcome: Outcome<object>): Wait | undefined {
  const [first] = waits;
  if (first !== undefined) return first.wait;
  return outcome.kind === "pass" && outcome.reason === "timeout" && !asked ? "waiting" : undefined;
}

/** For stages that ask nobody: their posts stay together. */
export function unlessWaiting(open: OpenStage): OpenStage {
  const inner = open.stage;
  const run: typeof inner.run = async (batch, signal) => {
    const ready = batch.filter(({ post }) => !waits.has(post));
    const said = ready.length === 0 ? [] : await inner.run(ready, signal);
    const outcomes = new Map(ready.map((view, i) => [view, said[i]!]));
    return batch.map((view) => outcomes.get(view) ?? pass(waits.get(view.post) ?? "batched"));
  };
  return { ...open, stage: { quick: quickUnlessWaiting(inner), run } };
}
