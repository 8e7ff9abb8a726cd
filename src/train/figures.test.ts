import { expect, test } from "vitest";
import { type Card, cardSchema, readmeOf } from "./card.ts";
import { figuresOf, showFigures } from "./figures.ts";

const points = (f1: number) => ({ precision: f1, recall: f1, f1, gold: 10 });
const cardOf = (seed: number, fp32: number, int8: number | undefined, change: Partial<Card> = {}): Card =>
  cardSchema.parse({
    schema: "starling.card/1",
    name: "tiny",
    trainedAt: "2026-01-02T03:04:05Z",
    package: "0.1.0",
    types: ["PER"],
    labelMap: { OTHER: "MISC" },
    base: { name: "encoder", licence: "Apache-2.0" },
    licence: "research",
    seed,
    options: { seed, epochs: 2 },
    data: {
      train: [{ file: "a/train.txt", fingerprint: "a".repeat(64), posts: 3, mentions: 2, strays: 0 }],
      valid: [{ file: "a/valid.txt", fingerprint: "b".repeat(64), posts: 3, mentions: 2, strays: 1 }],
      validInTrain: 0,
      lost: {},
    },
    strays: "lenient",
    epochs: [{ epoch: 1, loss: 1.5, ...points(fp32), gold: undefined, seconds: 9 }].map(
      ({ gold: _gold, ...epoch }) => epoch,
    ),
    bestEpoch: 1,
    temperature: 1.25,
    trainingSeconds: 9,
    scores: { fp32: { ...points(fp32), types: {} }, ...(int8 && { int8: { ...points(int8), types: {} } }) },
    ...change,
  });

test("mean and sample deviation over seeds, and the loss of int8 seed by seed", () => {
  const [figure, ...others] = figuresOf([cardOf(2, 86, 85.5), cardOf(1, 84, 83.9), cardOf(3, 85, 84.7)]);
  expect(others).toEqual([]);
  expect(figure).toMatchObject({ name: "tiny", seeds: [1, 2, 3], train: "aaaaaaaa", valid: "bbbbbbbb" });
  expect(figure!.fp32).toEqual({ mean: 85, sd: 1 });
  expect(figure!.int8Loss!.mean).toBeCloseTo(0.3, 9);
  expect(showFigures([figure!])).toContain("| tiny | 1, 2, 3 | 85.00 ± 1.00 | 84.70 ± 0.80 | 0.30 ± 0.20 |");
});

test("other options or data are another row, and a model without int8 has no loss", () => {
  const other = cardOf(1, 80, undefined, { options: { seed: 1, epochs: 3 } });
  const figures = figuresOf([cardOf(1, 84, 83), other]);
  expect(figures).toHaveLength(2);
  expect(figures[1]).toMatchObject({ int8: null, int8Loss: null, fp32: { mean: 80, sd: 0 } });
  expect(showFigures(figures)).toContain("| tiny | 1 | 80.00 ± 0.00 | - | - |");
});

test("the card for people states scores, data, licences and how strays count", () => {
  const text = readmeOf(cardOf(4, 84.125, 83));
  expect(text).toContain("from encoder (Apache-2.0), 2026-01-02, seed 4");
  expect(text).toContain("| fp32, all | 84.13 | 84.13 | 84.13 | 10 |");
  expect(text).toContain("| int8, all | 83.00 |");
  expect(text).toContain(`| valid: a/valid.txt | 3 | 2 | 1 | ${"b".repeat(16)} |`);
  expect(text).toContain("continues nothing counts as the start");
  expect(text).toContain("OTHER to MISC");
  expect(text).toContain("temperature 1.250");
});
