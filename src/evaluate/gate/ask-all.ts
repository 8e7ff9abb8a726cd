import type { Facts } from "../../facts.ts";
import type { OpenStage } from "../../flow/types.ts";
import { type Outcome, ok } from "../../outcome.ts";
import type { Stage } from "../../plugin.ts";

/** The stages with gates that say yes to every post; their expected gains stay as they are. */
export const askAll = (stages: readonly OpenStage[]): OpenStage[] =>
  stages.map((open) => (open.plugin.gives.includes("ask") ? { ...open, stage: yes(open.stage) } : open));

function yes(gate: Stage): Stage {
  const { quick } = gate;
  return {
    ...(quick && {
      quick: (view) => {
        const outcome = quick(view);
        return outcome && asked(outcome);
      },
    }),
    run: async (batch, signal) => (await gate.run(batch, signal)).map(asked),
  };
}

function asked(outcome: Outcome<Partial<Facts>>): Outcome<Partial<Facts>> {
  if (outcome.kind !== "ok" || outcome.value.ask === undefined) return outcome;
  return ok({ ...outcome.value, ask: { ...outcome.value.ask, yes: true, reason: "always" } });
}
