import { z } from "zod";

const labelMap = z.record(z.string().min(1), z.string().min(1));

const dataSetSchema = z.strictObject({
  /** `conll`: token, tab and BIO2 tag a line; `posts`: one post with its labels a line, NDJSON. */
  format: z.enum(["conll", "posts"]),
  path: z.string().min(1),
  /** `conll` only: auxiliary knowledge, recorded answers or PGIM's format, joined on the text. */
  knowledge: z.string().min(1).optional(),
  /** `conll` only: `<image file> :<caption>` lines, joined on the image id. */
  captions: z.string().min(1).optional(),
  /** `conll` only: `#Name` as the file writes it, or its sign `apart`, as words of live posts are (and no part of the name). */
  signs: z.enum(["as-written", "apart"]).optional(),
  /** BCP 47, of posts that do not say themselves. */
  language: z.string().min(1).default("und"),
});

const dataSets = z.union([dataSetSchema.transform((set) => [set]), z.array(dataSetSchema).min(1)]);
const rate = z.number().min(0).max(1);

/** The section `train` of a config. Paths start at the config's folder. */
export const trainSchema = z.strictObject({
  /** Name of the model, the first part of its version. */
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, "lower case letters, digits, dots and dashes"),
  /** The resource that learns: a `tagger@1` with a learner. */
  tagger: z.string().min(1).default("tagger"),
  data: z.strictObject({ train: dataSets, valid: dataSets }),
  /** Entity types in the order of their tags; by default those of the training data, sorted. */
  types: z.array(z.string().min(1)).min(1).optional(),
  /** Foreign type to the model's, such as OTHER to MISC; applied to the data here and saved with the model. */
  labelMap: labelMap.default({}),
  /** Whether an I tag that continues nothing opens a mention (`lenient`, as seqeval's default) or is left out. */
  strays: z.enum(["lenient", "strict"]).default("lenient"),
  epochs: z.int().positive().max(1000).default(8),
  /** Posts in a step. */
  batch: z.int().positive().max(4096).default(16),
  /** Batches whose posts are sorted by length together. */
  chunk: z.int().positive().max(1000).default(20),
  seed: z
    .int()
    .nonnegative()
    .max(2 ** 32 - 1)
    .default(1),
  /** Epochs without a better valid F1 after which training stops; 0 never stops early. */
  patience: z.int().nonnegative().default(3),
  /** Which weights are kept: those of the best epoch by valid F1, with all that the data brings, or of the last. */
  keep: z.enum(["best", "last"]).default("best"),
  /** How often captions and knowledge are left out, for each post and epoch, independently. */
  dropCaptions: rate.default(0.3),
  dropKnowledge: rate.default(0.3),
  checkpoints: z.strictObject({
    folder: z.string().min(1),
    /** Steps between two; the end of an epoch always makes one. */
    everySteps: z.int().positive().default(200),
  }),
  /** The saved model. */
  out: z.string().min(1),
  precisions: z
    .array(z.enum(["fp32", "int8"]))
    .min(1)
    .default(["fp32", "int8"]),
  /** For the card: what the weights began from, and under which licence. */
  base: z.strictObject({ name: z.string().min(1), licence: z.string().min(1) }).optional(),
  /** For the card: who may use the model for what. */
  licence: z.string().min(1).default("not stated"),
  /** Options of the learner, which checks them. */
  learner: z.unknown().optional(),
});

export type TrainConfig = z.output<typeof trainSchema>;
export type DataSet = z.output<typeof dataSetSchema>;
