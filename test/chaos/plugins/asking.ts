import { defineStage, ok, z } from "starling-ner";

/** Has every fourth post asked about, so that it sends two revisions. */
export default defineStage({
  name: "asking",
  about: "Asks about every fourth post, for tests.",
  gives: ["ask"],
  options: z.strictObject({}),
  async open() {
    return {
      run: async (batch) =>
        batch.map(({ post }) => ok({ ask: { yes: Number(post.id) % 4 === 0, gain: 0, reason: "test" } })),
    };
  },
});
