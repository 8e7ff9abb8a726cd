import type { Facts } from "starling-ner";
import gatePlugin from "../../plugins/gate/index.ts";
import type { OpenStage } from "../../src/flow/types.ts";
import type { Stage } from "../../src/plugin.ts";
import { testHost } from "../../src/testing/index.ts";

/** The stages of a pipeline whose gate may be told to say no to every post. */
export async function switchedGate(stages: readonly OpenStage[]) {
  const never = await gatePlugin.open(gatePlugin.options.parse({ mode: "never" }), testHost());
  let asks = false;
  let posts = 0;
  let asked = 0;
  const switched = (gate: Stage): Stage => ({
    ...gate,
    quick(view) {
      if (!asks) return never.quick?.(view as Parameters<NonNullable<typeof never.quick>>[0]);
      const outcome = gate.quick?.(view);
      posts++;
      if (outcome?.kind === "ok" && (outcome.value as Partial<Facts>).ask?.yes) asked++;
      return outcome;
    },
  });
  return {
    stages: stages.map((one) => (one.plugin.name === "gate" ? { ...one, stage: switched(one.stage) } : one)),
    asks(now: boolean): void {
      asks = now;
    },
    askedShare: () => asked / posts,
  };
}
