import { z } from "starling-ner";

const scores = z.array(z.number());

/**
 * `tagger.json` of a saved model: all that service needs to know besides the graph, `config.json` and `tokenizer.json`.
 * The graph reads `ids`, `segments`, `positions` (int32 or int64 [B,T]), `mask` (float [B,1,1,T], added to the attention
 * scores), `pool` (float [B,1,T], weights of the feature) and, with `wordShape`, `shapes` ([B,T]); those it has no use
 * for may be absent. It gives `emissions` [B,T,K] and `pooled` [B,D].
 */
export const taggerFile = z
  .strictObject({
    schema: z.literal("starling.tagger/1"),
    name: z.string().min(1),
    family: z.enum(["bert", "roberta", "xlm-roberta"]),
    /** Entity types in the order of their tags. */
    types: z.array(z.string().min(1)),
    /** In nats: `transitions` is [K × K] from-major, `start` and `end` are [K]; K = 2 × types + 1. */
    crf: z.strictObject({ transitions: scores, start: scores, end: scores }),
    /** Divides all scores before confidences are computed. */
    temperature: z.number().positive(),
    /** Foreign type to one of `types`, used when other data is scored. */
    labelMap: z.record(z.string(), z.string()).default({}),
    input: z.strictObject({
      maxSubwords: z.int().min(8),
      normaliseUrls: z.boolean(),
      wordShape: z.boolean(),
      separators: z.union([z.literal(1), z.literal(2)]),
      /** How the training data writes hashtags and mentions: `#NBA` as one word, or as two. */
      signs: z.enum(["joined", "apart"]).default("apart"),
    }),
    pooling: z.enum(["cls", "mean"]),
    files: z.strictObject({ fp32: z.string().optional(), int8: z.string().optional() }),
  })
  .superRefine(({ types, crf }, context) => {
    const tags = 2 * types.length + 1;
    const sizes = { transitions: tags * tags, start: tags, end: tags };
    for (const [name, size] of Object.entries(sizes) as [keyof typeof sizes, number][])
      if (crf[name].length !== size)
        context.addIssue({
          code: "custom",
          path: ["crf", name],
          message: `${types.length} types need ${size} numbers, not ${crf[name].length}`,
        });
  });

export type TaggerFile = z.output<typeof taggerFile>;

export const TAGGER_FILE = "tagger.json";
