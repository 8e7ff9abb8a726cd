import { Fault, z } from "starling-ner";

/** The encoder families whose graph this plugin builds itself. */
export const FAMILIES = ["bert", "roberta", "xlm-roberta"] as const;
export type Family = (typeof FAMILIES)[number];

/** What serving reads of a Hugging Face `config.json`. */
export const encoderConfig = z.looseObject({
  model_type: z.string().default("unknown"),
  _name_or_path: z.string().optional(),
  vocab_size: z.int().positive().optional(),
  max_position_embeddings: z.int().positive().default(512),
  type_vocab_size: z.int().nonnegative().default(1),
  pad_token_id: z.int().nonnegative().nullish(),
  id2label: z.record(z.string(), z.string()).optional(),
});
export type EncoderConfig = z.output<typeof encoderConfig>;

export const isFamily = (name: string): name is Family => (FAMILIES as readonly string[]).includes(name);

/** RoBERTa and XLM-RoBERTa number positions from `pad_token_id + 1`, as fairseq did. */
export const firstPositionOf = (config: EncoderConfig): number =>
  /roberta|camembert/.test(config.model_type) ? (config.pad_token_id ?? 1) + 1 : 0;

/** What of an input's layout follows from the encoder alone. */
export const layoutOf = (config: EncoderConfig) => ({
  maxPositions: config.max_position_embeddings - firstPositionOf(config),
  separators: (/roberta|camembert/.test(config.model_type) ? 2 : 1) as 1 | 2,
  addedSegment: (config.type_vocab_size > 1 ? 1 : 0) as 0 | 1,
});

/** Types of a classifier's labels, and the label of each BIO2 tag of theirs (-1 where there is none). */
export function readLabels(config: EncoderConfig, file: string): { types: string[]; labels: number[]; count: number } {
  const byIndex = Object.entries(config.id2label ?? {}).map(([index, label]) => [Number(index), label] as const);
  const indexOf = new Map(byIndex.map(([index, label]) => [label, index]));
  const types = [...new Set(byIndex.flatMap(([, label]) => /^[BI]-(.+)$/.exec(label)?.[1] ?? []))];
  if (types.length === 0 || !indexOf.has("O"))
    throw new Fault("MODEL_FILE_INVALID", {
      file,
      what: `id2label holds no BIO2 tags (${byIndex.map(([, label]) => label).join(", ") || "nothing"})`,
      hint: "name a model for token classification, with labels such as O, B-PER, I-PER",
    });
  const labels = ["O", ...types.flatMap((type) => [`B-${type}`, `I-${type}`])].map((tag) => indexOf.get(tag) ?? -1);
  return { types, labels, count: byIndex.length };
}
