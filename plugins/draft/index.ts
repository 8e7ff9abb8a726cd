import {
  defineStage,
  mapOk,
  type Stage,
  type Tagger,
  tagger as taggerPort,
  taggingsBy,
  tagInput,
  type View,
  z,
} from "starling-ner";

export default defineStage({
  name: "draft",
  about: "First tagging of every post, with its sentence vector, from text and captions.",
  uses: ["captions"],
  gives: ["draft", "feature"],
  options: z.strictObject({
    /** A `tagger@1` of the config's resources. */
    tagger: z.string().default("tagger"),
  }),
  borrows: ({ tagger }) => [{ port: taggerPort, name: tagger }],
  async open({ tagger }, host) {
    const encoder = host.borrow(taggerPort, tagger);
    // Nobody misses the feature then.
    return host.isRead("feature") ? withFeature(encoder) : (draftAlone(encoder) as Run);
  },
});

type Run = Stage<never, "captions", "draft" | "feature">;

const withFeature = (encoder: Tagger): Run => ({
  async run(batch, signal) {
    const outcomes = await encoder.tag(batch.map(withCaptions), signal);
    return outcomes.map((outcome) => mapOk(outcome, ({ tagging, feature }) => ({ draft: tagging, feature })));
  },
});

const draftAlone = (encoder: Tagger): Stage<never, "captions", "draft"> => ({
  async run(batch, signal) {
    const outcomes = await taggingsBy(encoder, batch.map(withCaptions), signal);
    return outcomes.map((outcome) => mapOk(outcome, (draft) => ({ draft })));
  },
});

/** Captions alone: a draft is what there was before anyone was asked, whatever stage stands before it. */
const withCaptions = ({ post, facts: { captions } }: View<never, "captions">) =>
  tagInput({ post, facts: captions ? { captions } : {} });
