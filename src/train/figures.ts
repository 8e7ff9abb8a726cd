import type { Card } from "./card.ts";

export interface MeanSd {
  readonly mean: number;
  /** Sample standard deviation; 0 for one value. */
  readonly sd: number;
}

/** One row of the table: runs that differ in nothing but their seed. F1 in per cent of the valid posts. */
export interface Figure {
  readonly name: string;
  readonly seeds: readonly number[];
  readonly fp32: MeanSd | null;
  readonly int8: MeanSd | null;
  /** F1 of fp32 less that of int8, for each seed. */
  readonly int8Loss: MeanSd | null;
  /** First digits of the fingerprints of train and valid. */
  readonly train: string;
  readonly valid: string;
}

/** Cards of one name, data and options are runs of one row, in the order of their seeds. */
export function figuresOf(cards: readonly Card[]): Figure[] {
  const groups = Map.groupBy(cards, (card) => JSON.stringify([card.name, fingerprints(card), withoutSeed(card)]));
  return [...groups.values()].map((group) => figureOf(group.toSorted((a, b) => a.seed - b.seed)));
}

const withoutSeed = ({ options: { seed: _seed, ...options } }: Card) => options;
const prints = (sets: Card["data"]["train"]): string =>
  sets.map(({ fingerprint }) => fingerprint.slice(0, 8)).join("+");
const fingerprints = ({ data }: Card) => ({ train: prints(data.train), valid: prints(data.valid) });

function figureOf(cards: readonly Card[]): Figure {
  const f1s = (precision: "fp32" | "int8") => cards.flatMap(({ scores }) => scores[precision]?.f1 ?? []);
  const losses = cards.flatMap(({ scores: { fp32, int8 } }) => (fp32 && int8 ? [fp32.f1 - int8.f1] : []));
  return {
    name: cards[0]!.name,
    seeds: cards.map(({ seed }) => seed),
    fp32: meanSd(f1s("fp32")),
    int8: meanSd(f1s("int8")),
    int8Loss: meanSd(losses),
    ...fingerprints(cards[0]!),
  };
}

function meanSd(values: readonly number[]): MeanSd | null {
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

/** A table for people, in Markdown. */
export function showFigures(figures: readonly Figure[]): string {
  const of = (value: MeanSd | null) => (value === null ? "-" : `${value.mean.toFixed(2)} ± ${value.sd.toFixed(2)}`);
  const rows = figures.map(
    ({ name, seeds, fp32, int8, int8Loss, train, valid }) =>
      `| ${name} | ${seeds.join(", ")} | ${of(fp32)} | ${of(int8)} | ${of(int8Loss)} | ${train} | ${valid} |`,
  );
  const head = "| model | seeds | F1 fp32 | F1 int8 | int8 loss | train | valid |\n|---|---|---|---|---|---|---|";
  return `${head}\n${rows.join("\n")}`;
}
