import { contextOf, defineStage, mapOk, ok, tagger as taggerPort, taggingsBy, tagInput, z } from "starling-ner";

export default defineStage({
  name: "final",
  about: "Last tagging, from text, captions and knowledge; the draft where nothing new came since.",
  uses: ["draft", "captions", "knowledge"],
  gives: ["tagging"],
  options: z.strictObject({
    /** A `tagger@1` of the config's resources. */
    tagger: z.string().default("tagger"),
  }),
  borrows: ({ tagger }) => [{ port: taggerPort, name: tagger }],
  async open({ tagger }, host) {
    const encoder = host.borrow(taggerPort, tagger);
    return {
      /** The same model over the same input would only say the same again. */
      quick({ facts }) {
        const { draft } = facts;
        const same = draft?.model === encoder.model.version && draft.context === contextOf(facts);
        return same ? ok({ tagging: draft }) : undefined;
      },
      async run(batch, signal) {
        const outcomes = await taggingsBy(encoder, batch.map(tagInput), signal);
        return outcomes.map((outcome) => mapOk(outcome, (tagging) => ({ tagging })));
      },
    };
  },
});
