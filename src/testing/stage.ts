import assert from "node:assert/strict";
import type { z } from "zod";
import type { Fact, Facts } from "../facts.ts";
import type { Outcome } from "../outcome.ts";
import type { Stage, StagePlugin, View } from "../plugin.ts";
import { type AnyClause, anyClauses, type Fresh, fresh, whileOpen } from "./any.ts";
import { assertClose } from "./close-to.ts";
import { testHost } from "./host.ts";
import { endsSoon, register, type Suite } from "./suite.ts";

export type StageClause =
  | AnyClause
  | "answers an empty batch with nothing"
  | "answers a batch as it answers its posts one by one"
  | "gives the facts it declares and no others"
  | "reads the facts it declares and no others"
  | "works without the facts it merely uses"
  | "leaves its input as it was"
  | "lets one bad post spare the others"
  | "passes for reasons that fit a metric label"
  | "keeps batches apart that run at once"
  | "stops within a second of being aborted";

export interface StageSuite<N extends Fact, U extends Fact, G extends Fact, O extends z.ZodType>
  extends Suite<StageClause> {
  readonly plugin: StagePlugin<N, U, G, O>;
  readonly options: Fresh<z.input<O>>;
  /** Two posts or more that the stage can answer. */
  readonly batch: readonly View<N, U>[];
  /** A post that the stage fails, or passes; needed by "lets one bad post spare the others". */
  readonly bad?: View<N, U>;
}

/** The contract of a stage. A stage's own tests call this first. */
export function testStage<N extends Fact, U extends Fact, G extends Fact, O extends z.ZodType>(
  suite: StageSuite<N, U, G, O>,
): void {
  const { plugin, batch } = suite;
  const host = testHost(suite.lend);
  // Taken now: another clause may already have let the stage at the batch.
  const before = structuredClone(batch);
  const opened = (use: (stage: Stage<N, U, G>) => Promise<void>) => async () =>
    whileOpen(plugin, await fresh(suite.options), host, use);
  const live = new AbortController().signal;

  register(plugin.name, suite, {
    ...anyClauses(plugin, suite.options, host),
    "answers an empty batch with nothing": opened(async (stage) => {
      assert.deepEqual(await stage.run([], live), []);
    }),
    "answers a batch as it answers its posts one by one": opened(async (stage) => {
      assert.ok(batch.length >= 2, "give two posts or more");
      assertClose(await stage.run(batch, live), await oneByOne(stage, batch), "outcome");
    }),
    "gives the facts it declares and no others": opened(async (stage) => {
      const outcomes = [...batch.map((view) => stage.quick?.(view)), ...(await stage.run(batch, live))];
      const given = outcomes.flatMap((outcome) => (outcome?.kind === "ok" ? [Object.keys(outcome.value).sort()] : []));
      assert.ok(given.length > 0, "no post of the batch was answered with facts");
      for (const facts of given) assert.deepEqual(facts, [...plugin.gives].sort());
    }),
    "reads the facts it declares and no others": opened(async (stage) => {
      const read = new Set<string>();
      const watched = batch.map((view) => watch(view, read));
      for (const view of watched) stage.quick?.(view);
      await stage.run(watched, live);
      const undeclared = [...read].filter((fact) => ![...plugin.needs, ...plugin.uses].includes(fact as N | U));
      assert.deepEqual(undeclared, [], "facts read without being declared in needs or uses");
    }),
    "works without the facts it merely uses": opened(async (stage) => {
      const bare = batch.map((view) => only(view, plugin.needs));
      for (const view of bare) stage.quick?.(view);
      assert.equal((await stage.run(bare, live)).length, batch.length);
    }),
    "leaves its input as it was": opened(async (stage) => {
      const given = structuredClone(before);
      for (const view of given) stage.quick?.(view);
      await stage.run(given, live);
      assert.deepEqual(given, before);
    }),
    "lets one bad post spare the others": opened(async (stage) => {
      assert.ok(suite.bad, "give a `bad` post, or skip this clause with a reason");
      const outcomes = await stage.run([...batch, suite.bad, ...batch], live);
      assert.equal(outcomes.length, 2 * batch.length + 1, "one outcome for each post");
      assert.notEqual(outcomes[batch.length]?.kind, "ok", "the bad post was answered with facts");
      const alone = await oneByOne(stage, batch);
      assertClose(outcomes.toSpliced(batch.length, 1), [...alone, ...alone], "outcome");
    }),
    "passes for reasons that fit a metric label": opened(async (stage) => {
      const views = suite.bad ? [...batch, suite.bad] : batch;
      for (const outcome of [...views.map((view) => stage.quick?.(view)), ...(await stage.run(views, live))])
        if (outcome?.kind === "pass") assert.match(outcome.reason, /^[a-z][a-z0-9_]{0,39}$/);
    }),
    "keeps batches apart that run at once": opened(async (stage) => {
      const back = batch.toReversed();
      const [there, andBack] = await Promise.all([stage.run(batch, live), stage.run(back, live)]);
      assertClose(there, andBack.toReversed(), "outcome");
    }),
    "stops within a second of being aborted": opened(async (stage) => {
      const stop = new AbortController();
      const running = stage.run(batch, stop.signal);
      stop.abort();
      await endsSoon(running, "run()");
      await endsSoon(stage.run(batch, AbortSignal.abort()), "run() with a signal aborted before");
    }),
  });
}

async function oneByOne<N extends Fact, U extends Fact, G extends Fact>(
  stage: Stage<N, U, G>,
  batch: readonly View<N, U>[],
): Promise<readonly Outcome<Pick<Facts, G>>[]> {
  const live = new AbortController().signal;
  const outcomes: Outcome<Pick<Facts, G>>[] = [];
  for (const view of batch) outcomes.push(...(await stage.run([view], live)));
  return outcomes;
}

/** The same view; the names of the facts that are looked at are written to `read`. */
function watch<N extends Fact, U extends Fact>(view: View<N, U>, read: Set<string>): View<N, U> {
  const noted = (key: string | symbol) => {
    if (typeof key === "string") read.add(key);
    return key;
  };
  const facts = new Proxy(view.facts, {
    get: (target, key) => Reflect.get(target, noted(key)),
    has: (target, key) => Reflect.has(target, noted(key)),
  });
  return { post: view.post, facts };
}

function only<N extends Fact, U extends Fact>(view: View<N, U>, facts: readonly N[]): View<N, U> {
  const known = view.facts as Partial<Facts>;
  const kept = Object.fromEntries(facts.map((fact) => [fact, known[fact]]));
  return { post: view.post, facts: kept as View<N, U>["facts"] };
}
