import {
  bank as bankPort,
  contextOf,
  defineStage,
  Fault,
  type Feature,
  fail,
  mapOk,
  type Neighbour,
  type Outcome,
  ok,
  type Tagger,
  tagger as taggerPort,
  tagInput,
  type View,
  z,
} from "starling-ner";
import type { Index } from "./exact.ts";
import type { Features, Of } from "./features.ts";
import { openFeatures } from "./open-features.ts";
import { openIndex } from "./open-index.ts";
import { ownRows } from "./own.ts";

type Given = View<never, "captions" | "feature">;
type Answer = Outcome<{ readonly neighbours: readonly Neighbour[] }>;

export default defineStage({
  name: "retriever-msea",
  about: "The demonstrations of a bank that are most like the post, by the fused feature of the tagger.",
  uses: ["captions", "feature"],
  gives: ["neighbours"],
  options: z.strictObject({
    /** A `bank@1` of the config's resources. */
    bank: z.string().default("bank"),
    /** A `tagger@1` of the config's resources; the one that `draft` borrows, or every post is encoded twice. */
    tagger: z.string().default("tagger"),
    /** Neighbours of a post, the paper's N; 0 gives an empty list. */
    n: z.int().min(0).max(100).default(5),
    /** `exact` compares every demonstration, `hnsw` walks a graph, `auto` takes `hnsw` from 2,000 on. */
    index: z.enum(["auto", "exact", "hnsw"]).default("auto"),
    /** Candidates of a search in the graph: more find more and take longer. */
    ef: z.int().min(64).max(10_000).default(128),
    /** Folder for the bank's features; that of the bank's file by default. */
    cache: z.string().min(1).optional(),
  }),
  borrows: ({ bank, tagger }) => [
    { port: bankPort, name: bank },
    { port: taggerPort, name: tagger },
  ],
  async open({ n, index, ef, ...options }, host) {
    const bank = host.borrow(bankPort, options.bank);
    const tagger = host.borrow(taggerPort, options.tagger);
    const cache = options.cache === undefined ? undefined : host.resolve(options.cache);
    const { features, file } = await openFeatures({ bank, tagger, host, cache });
    const indices = await openIndices(features, (table, of) =>
      openIndex(table, { index, ef, n, host, keep: `${file}.${of}` }),
    );
    const own = ownRows(bank);

    const nearest = ({ post }: Given, { vector, of }: Feature): Answer => {
      if (!vector.every(Number.isFinite))
        return fail(new Fault("NOT_A_NUMBER", { what: "the feature", where: `post ${post.id}` }));
      const rows = own(post);
      const hits = indices[of as Of].search(vector, n + rows.size).filter(({ row }) => !rows.has(row));
      const id = (row: number) => bank.demonstrations[row]!.id;
      return ok({ neighbours: hits.slice(0, n).map(({ row, similarity }) => ({ id: id(row), similarity })) });
    };

    const quick = (view: Given): Answer | undefined => {
      if (n === 0) return ok({ neighbours: [] });
      const { feature } = view.facts;
      return feature && fits(view, feature, features) ? nearest(view, feature) : undefined;
    };

    return {
      quick,
      async run(batch, signal) {
        const known = batch.map(quick);
        const open = batch.filter((_, i) => known[i] === undefined);
        const encoded = (await encodeAll(open, tagger, signal)).values();
        return batch.map((view, i) => {
          const outcome = known[i] ?? encoded.next().value!;
          if (outcome.kind !== "ok" || "neighbours" in outcome.value) return outcome as Answer;
          return nearest(view, outcome.value);
        });
      },
    };
  },
});

/** One index for both tables where they are the same. */
async function openIndices(
  { tables }: Features,
  open: (table: Features["tables"][Of], of: Of) => Promise<Index>,
): Promise<Record<Of, Index>> {
  const fused = await open(tables["text+captions"], "text+captions");
  const text = tables.text === tables["text+captions"] ? fused : await open(tables.text, "text");
  return { text, "text+captions": fused };
}

/** Whether the feature is of all that is known of the post now, and by the model of the bank's features. */
const fits = ({ facts: { captions } }: Given, feature: Feature, { model }: Features): boolean =>
  feature.model === model && feature.of === contextOf(captions ? { captions } : {});

async function encodeAll(views: readonly Given[], tagger: Tagger, signal: AbortSignal): Promise<Outcome<Feature>[]> {
  if (views.length === 0) return [];
  const inputs = views.map(({ post, facts: { captions } }) => tagInput({ post, facts: captions ? { captions } : {} }));
  const outcomes = await tagger.tag(inputs, signal);
  return outcomes.map((outcome) => mapOk(outcome, ({ feature }) => feature));
}
