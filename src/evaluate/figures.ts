import { z } from "zod";

/** What the table of figures reads of a report; written by `starling evaluate --out`. */
export const evaluationSchema = z.object({
  command: z.literal("evaluate"),
  model: z.string(),
  modelPrecision: z.string(),
  data: z.string(),
  fingerprint: z.string(),
  posts: z.int(),
  f1: z.number(),
  reads: z.record(z.string(), z.int()),
  draft: z.object({ f1: z.number(), of: z.record(z.string(), z.int()) }),
  gate: z
    .object({ shares: z.array(z.object({ share: z.number(), asked: z.number(), kept: z.number().nullable() })) })
    .optional(),
});

export type EvaluationCard = z.output<typeof evaluationSchema>;

/** One row: reports of models that differ in their seed alone. Means over them, F1 0 to 100. */
export interface EvaluationFigure {
  readonly name: string;
  readonly precision: string;
  readonly data: string;
  readonly runs: number;
  /** What draft and last tagging of most posts were made of. */
  readonly draftReads: string;
  readonly finalReads: string;
  readonly draft: number;
  readonly final: number;
  readonly gain: number;
  /**
   * Share of the gain that is kept when half of the posts are asked about, in per cent: mean gain of asking about half,
   * over mean gain of asking about all. Null without `--gate`.
   */
  readonly keptAtHalf: number | null;
}

export function evaluationFigures(cards: readonly EvaluationCard[]): EvaluationFigure[] {
  const groups = Map.groupBy(cards, (card) =>
    JSON.stringify([nameOf(card), card.modelPrecision, card.fingerprint, most(card.draft.of), most(card.reads)]),
  );
  return [...groups.values()].map(figureOf);
}

/** A version is the name and first digits of a hash. */
const nameOf = ({ model }: EvaluationCard): string => model.replace(/-[0-9a-f]{8}$/, "");
const most = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of).sort(([, a], [, b]) => b - a)[0]?.[0] ?? "nothing";
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function figureOf(cards: readonly EvaluationCard[]): EvaluationFigure {
  const [first] = cards;
  const draft = mean(cards.map((card) => card.draft.f1));
  const final = mean(cards.map(({ f1 }) => f1));
  const kept = cards.map(keptGain);
  return {
    name: nameOf(first!),
    precision: first!.modelPrecision,
    data: first!.data,
    runs: cards.length,
    draftReads: most(first!.draft.of),
    finalReads: most(first!.reads),
    draft,
    final,
    gain: final - draft,
    keptAtHalf: kept.includes(undefined) ? null : (100 * mean(kept.map(Number))) / (final - draft),
  };
}

/** F1 points that asking about half of the posts brings. */
function keptGain({ gate, f1, draft }: EvaluationCard): number | undefined {
  const half = gate?.shares.find(({ share }) => share === 50);
  return half === undefined ? undefined : ((half.kept ?? 0) / 100) * (f1 - draft.f1);
}

/** A table for people, in Markdown. */
export function showEvaluations(figures: readonly EvaluationFigure[]): string {
  const rows = figures.map(
    ({ name, precision, data, runs, draftReads, finalReads, draft, final, gain, keptAtHalf }) =>
      `| ${name} | ${precision} | ${data} | ${runs} | ${draftReads}: ${draft.toFixed(2)} | ${finalReads}: ${final.toFixed(2)} | ${gain.toFixed(2)} | ${keptAtHalf === null ? "-" : `${keptAtHalf.toFixed(0)}%`} |`,
  );
  const head =
    "| model | precision | data | seeds | F1 of drafts | F1 after asking | gain | kept when half are asked |\n|---|---|---|---|---|---|---|---|";
  return [head, ...rows].join("\n");
}
