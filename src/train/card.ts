import { z } from "zod";

const points = { precision: z.number(), recall: z.number(), f1: z.number(), gold: z.int() };
const scores = z.strictObject({ ...points, types: z.record(z.string(), z.strictObject(points)) });
const summary = z.strictObject({
  file: z.string(),
  fingerprint: z.string(),
  posts: z.int(),
  mentions: z.int(),
  strays: z.int(),
});

/** What is known of a trained model; scores are exact-span, 0 to 100, on the valid posts. */
export const cardSchema = z.strictObject({
  schema: z.literal("starling.card/1"),
  name: z.string(),
  /** RFC 3339. */
  trainedAt: z.string(),
  package: z.string(),
  types: z.array(z.string()),
  labelMap: z.record(z.string(), z.string()),
  base: z.strictObject({ name: z.string(), licence: z.string() }).nullable(),
  licence: z.string(),
  seed: z.int(),
  /** The section `train` of the config, without its paths. */
  options: z.record(z.string(), z.unknown()),
  data: z.strictObject({
    train: z.array(summary),
    valid: z.array(summary),
    /** Share of valid posts whose very words stand in train too, 0 to 1. */
    validInTrain: z.number(),
    /** Posts that an earlier stage could not handle and that were left out, by stage. */
    lost: z.record(z.string(), z.int()),
  }),
  strays: z.enum(["lenient", "strict"]),
  epochs: z.array(
    z.strictObject({
      epoch: z.int(),
      loss: z.number(),
      precision: z.number(),
      recall: z.number(),
      f1: z.number(),
      seconds: z.number(),
    }),
  ),
  bestEpoch: z.int(),
  /** Divides every score of the CRF before probabilities are made. */
  temperature: z.number(),
  /** Seconds spent in training steps, over all processes of the run. */
  trainingSeconds: z.number(),
  scores: z.strictObject({ fp32: scores.optional(), int8: scores.optional() }),
});

export type Card = Readonly<z.output<typeof cardSchema>>;

/** The model card for people. */
export function readmeOf(card: Card): string {
  const { name, base, types, data, epochs, bestEpoch } = card;
  const best = epochs.find(({ epoch }) => epoch === bestEpoch);
  return `# ${name}

Named entities (${types.join(", ")}) of short posts, text alone or with captions and knowledge beside it.
Trained by \`starling train\`${base ? ` from ${base.name} (${base.licence})` : ""}, ${card.trainedAt.slice(0, 10)}, seed ${card.seed}.

Licence and use: ${card.licence}

## Scores

Exact spans on the valid posts, in per cent. An I tag that continues nothing ${card.strays === "lenient" ? "counts as the start of a gold mention" : "is left out of the gold"}.

| | precision | recall | F1 | gold |
|---|---|---|---|---|
${Object.entries(card.scores)
  .flatMap(([precision, score]) => (score === undefined ? [] : rows(precision, score)))
  .join("\n")}

## Data

| | posts | mentions | stray I tags | fingerprint |
|---|---|---|---|---|
${[...data.train.map((set) => ["train", set] as const), ...data.valid.map((set) => ["valid", set] as const)]
  .map(([use, s]) => `| ${use}: ${s.file} | ${s.posts} | ${s.mentions} | ${s.strays} | ${s.fingerprint.slice(0, 16)} |`)
  .join("\n")}

${(100 * data.validInTrain).toFixed(1)}% of the valid posts stand word for word in the training posts too.
${renamed(card)}
## Training

${epochs.length} epochs in ${Math.round(card.trainingSeconds)} s, best epoch ${bestEpoch}${best ? ` (loss ${best.loss.toFixed(3)} nats a post)` : ""}, temperature ${card.temperature.toFixed(3)}.
All options, each epoch and full fingerprints stand in \`card.json\`; \`profile.json\` holds the reference for drift;
\`manifest.json\` the size and SHA-256 of every file.
`;
}

const rows = (precision: string, score: NonNullable<Card["scores"]["fp32"]>): string[] => [
  row(`${precision}, all`, score),
  ...Object.entries(score.types).map(([type, of]) => row(`${precision}, ${type}`, of)),
];

const row = (
  name: string,
  { precision, recall, f1, gold }: { precision: number; recall: number; f1: number; gold: number },
) => `| ${name} | ${precision.toFixed(2)} | ${recall.toFixed(2)} | ${f1.toFixed(2)} | ${gold} |`;

const renamed = ({ labelMap }: Card): string => {
  const pairs = Object.entries(labelMap).map(([from, to]) => `${from} to ${to}`);
  return pairs.length === 0 ? "" : `Types renamed: ${pairs.join(", ")}.\n`;
};
