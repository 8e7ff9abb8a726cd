import { Fault } from "../errors.ts";
import type { Fact, Facts } from "../facts.ts";
import type { Outcome } from "../outcome.ts";
import type { View } from "../plugin.ts";
import { asError, noFacts, type Transit } from "./transit.ts";
import type { OpenStage } from "./types.ts";

/** What the core saw a stage say of a post: facts of any name, picked by what the stage declares. */
type Answer = Outcome<Partial<Facts>>;

/** Shows a stage exactly the facts it declared: its types promise no more, and a test should find out if it reads more. */
export function viewOf({ plugin }: OpenStage, transit: Transit): View {
  if (plugin.needs.length + plugin.uses.length === 0 || transit.facts === noFacts)
    return { post: transit.post, facts: noFacts };
  const facts: Partial<Record<Fact, unknown>> = {};
  for (const fact of plugin.needs) facts[fact] = transit.facts[fact];
  for (const fact of plugin.uses) if (transit.facts[fact] !== undefined) facts[fact] = transit.facts[fact];
  return { post: transit.post, facts: facts as View["facts"] };
}

/** The answer of `stage.quick`; undefined where the post has to wait for `run`. */
export function quickAnswer(open: OpenStage, transit: Transit): Answer | undefined {
  const missing = open.plugin.needs.find((fact) => transit.facts[fact] === undefined);
  if (missing !== undefined) return { kind: "pass", reason: `no_${missing}`, degraded: false };
  if (open.stage.quick === undefined) return undefined;
  try {
    return open.stage.quick(viewOf(open, transit));
  } catch (thrown) {
    return { kind: "fail", error: asError(thrown) };
  }
}

/** Runs a batch; throws where the stage throws or answers another number of outcomes than it was asked for. */
export async function answerBatch(
  open: OpenStage,
  batch: readonly Transit[],
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const outcomes: readonly Answer[] = await open.stage.run(
    batch.map((transit) => viewOf(open, transit)),
    signal,
  );
  const got = Array.isArray(outcomes) ? outcomes.length : 0;
  if (got !== batch.length) throw new Fault("WRONG_OUTCOME_COUNT", { plugin: open.name, expected: batch.length, got });
  return outcomes;
}
