import { z } from "zod";

const format = z.enum(["conll", "posts"]);

/** A data set with marked entities; paths are relative to the config's folder. */
const dataSchema = z.strictObject({
  /** `conll`: `token<TAB>tag` lines; `posts`: one post a line, with `labels`. By default the file's name decides. */
  format: format.optional(),
  path: z.string().min(1),
  /** Auxiliary knowledge Z, recorded answers or PGIM's format; CoNLL only. */
  knowledge: z.string().min(1).optional(),
  /** `<image file> :<caption>` lines; CoNLL only. */
  captions: z.string().min(1).optional(),
});

/** The section `evaluate:` of a config. */
export const evaluateSchema = z.strictObject({
  data: dataSchema,
  /** CoNLL that the model was trained on: tells seen from unseen entities, and is refused as `data`. */
  train: z.string().min(1).optional(),
  /** CoNLL that the model was chosen on; refused as `data`. */
  valid: z.string().min(1).optional(),
  /** The `tagger@1` resource whose types and label map hold; needed where the config has several. */
  tagger: z.string().min(1).optional(),
  bootstrap: z
    .strictObject({
      /** How often posts are drawn again. */
      rounds: z.int().min(10).max(100_000).default(1000),
      seed: z.int().nonnegative().default(1),
    })
    .prefault({}),
});

export type EvaluateSection = z.output<typeof evaluateSchema>;
export type DataSection = z.output<typeof dataSchema>;
