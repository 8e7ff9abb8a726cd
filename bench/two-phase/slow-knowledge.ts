import { setTimeout as sleep } from "node:timers/promises";
import { defineStage, ok, pass, z } from "starling-ner";

/** Of the length that a language model's list of entities with its reasons has: 90 words. */
const text = "1. Grace Hopper [PER] a pioneer of computing. 2. Arlington [LOC] a city. The picture does not matter. "
  .repeat(5)
  .trim();

/** Knowledge as a language model would give it, after as long as it would take. */
export default defineStage({
  name: "slow-knowledge",
  about: "Knowledge that takes its time; for the bench two-phase.",
  uses: ["ask"],
  gives: ["knowledge"],
  options: z.strictObject({ delayMs: z.number().positive().default(2000) }),
  async open({ delayMs }) {
    return {
      quick: ({ facts }) => (facts.ask?.yes === false ? pass("confident") : undefined),
      async run(batch, signal) {
        await sleep(delayMs, undefined, { signal });
        return batch.map(() => ok({ knowledge: { text, names: [], source: "slow-knowledge", usd: 0 } }));
      },
    };
  },
});
