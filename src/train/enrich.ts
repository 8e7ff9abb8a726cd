import type { Fact, Facts } from "../facts.ts";
import type { OpenStage } from "../flow/types.ts";
import type { Outcome } from "../outcome.ts";
import type { View } from "../plugin.ts";
import type { Labelled } from "./data.ts";

/** Posts that a stage could not handle, by stage. */
export type Lost = Record<string, number>;

/**
 * Runs stages over labelled posts as the service runs them: `quick` first, then batches of the configured size, only
 * declared facts shown. A post that fails is left out where `onFail` is divert, goes on where it is skip, ends it all
 * where it is stop.
 */
export async function enrich(
  posts: readonly Labelled[],
  stages: readonly OpenStage[],
  signal: AbortSignal,
): Promise<{ readonly posts: readonly Labelled[]; readonly lost: Lost }> {
  const lost: Lost = {};
  let kept = posts;
  for (const stage of stages) {
    const outcomes = await runStage(stage, kept, signal);
    const before = kept;
    kept = before.flatMap((post, i) => settle(post, outcomes[i]!, stage));
    if (kept.length < before.length) lost[stage.name] = before.length - kept.length;
  }
  return { posts: kept, lost };
}

type Answer = Outcome<Partial<Facts>>;

async function runStage({ stage, plugin, flow }: OpenStage, posts: readonly Labelled[], signal: AbortSignal) {
  const views = posts.map(
    ({ post, facts }) => ({ post, facts: pick(facts, [...plugin.needs, ...plugin.uses]) }) as View,
  );
  const answers: (Answer | undefined)[] = views.map((view) => stage.quick?.(view));
  const waiting = [...answers.keys()].filter((i) => answers[i] === undefined);
  for (let at = 0; at < waiting.length; at += flow.batch) {
    const batch = waiting.slice(at, at + flow.batch);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(flow.timeoutMs)]);
    const outcomes = await stage.run(
      batch.map((i) => views[i]!),
      limit,
    );
    batch.forEach((i, place) => {
      answers[i] = outcomes[place];
    });
  }
  return answers as Answer[];
}

const pick = (facts: Partial<Facts>, names: readonly Fact[]): Partial<Facts> =>
  Object.fromEntries(Object.entries(facts).filter(([name]) => names.includes(name as Fact)));

function settle(post: Labelled, outcome: Answer, { flow }: OpenStage): Labelled[] {
  if (outcome.kind === "ok") return [{ ...post, facts: { ...post.facts, ...outcome.value } }];
  if (outcome.kind === "pass" || flow.onFail === "skip") return [post];
  if (flow.onFail === "stop") throw outcome.error;
  return [];
}

/**
 * The stages that run before training: those that borrow not the tagger to be trained, and whose facts are given by
 * the data or by such stages.
 */
export function stagesBefore<
  S extends { readonly plugin: { readonly needs: readonly Fact[]; readonly gives: readonly Fact[] } },
>(stages: readonly S[], borrowsTagger: (stage: S) => boolean): S[] {
  const given = new Set<Fact>();
  return stages.filter((stage) => {
    if (borrowsTagger(stage) || !stage.plugin.needs.every((fact) => given.has(fact))) return false;
    for (const fact of stage.plugin.gives) given.add(fact);
    return true;
  });
}
