import { defineStage, ok, z } from "starling-ner";
import { REFUSED } from "../posts.ts";

/** Has every fourth post asked about, so that it sends two revisions; one that a later stage refuses would then end as its draft. */
export default defineStage({
  name: "asking",
  about: "Asks about every fourth post, for tests.",
  gives: ["ask"],
  options: z.strictObject({}),
  async open() {
    return {
      run: async (batch) =>
        batch.map(({ post }) =>
          ok({ ask: { yes: Number(post.id) % 4 === 0 && !post.text.includes(REFUSED), gain: 0, reason: "test" } }),
        ),
    };
  },
});
