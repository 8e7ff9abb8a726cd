import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type EvaluationCard, evaluationFigures, evaluationSchema, showEvaluations } from "./figures.ts";

const cardOf = (hash: string, draft: number, f1: number, kept: number, change: Partial<EvaluationCard> = {}) =>
  evaluationSchema.parse({
    command: "evaluate",
    model: `tiny-knowledge-${hash}`,
    modelPrecision: "fp32",
    data: "a/valid.txt",
    fingerprint: "b".repeat(64),
    posts: 3,
    f1,
    reads: { text: 1, "text+knowledge": 2 },
    draft: { f1: draft, of: { text: 3 } },
    gate: { shares: [{ share: 50, asked: 49.9, kept }] },
    ...change,
  });

test("models that differ in their hash alone are seeds of one row", () => {
  const [figure, ...others] = evaluationFigures([cardOf("0a1b2c3d", 80, 82, 100), cardOf("4e5f6071", 82, 88, 50)]);
  expect(others).toEqual([]);
  expect(figure).toMatchObject({
    name: "tiny-knowledge",
    runs: 2,
    draftReads: "text",
    finalReads: "text+knowledge",
    draft: 81,
    final: 85,
    gain: 4,
  });
  // Asking about half brings 2 points and 3 of 6: 2.5 of 4 on average.
  expect(figure?.keptAtHalf).toBeCloseTo(62.5);
});

test("another precision, another set and other input make rows of their own", () => {
  const cards = [
    cardOf("0a1b2c3d", 80, 82, 90),
    cardOf("0a1b2c3d", 80, 82, 90, { modelPrecision: "int8" }),
    cardOf("0a1b2c3d", 80, 82, 90, { fingerprint: "c".repeat(64) }),
    cardOf("0a1b2c3d", 80, 82, 90, { reads: { "text+captions+knowledge": 3 } }),
  ];
  expect(evaluationFigures(cards)).toHaveLength(4);
});

test("the table shows what is read, and a dash without --gate", () => {
  const { gate: _, ...card } = cardOf("0a1b2c3d", 80, 82.5, 90);
  expect(showEvaluations(evaluationFigures([card]))).toContain(
    "| tiny-knowledge | fp32 | a/valid.txt | 1 | text: 80.00 | text+knowledge: 82.50 | 2.50 | - |",
  );
});

test("the committed reports can be read, and tell no path of a machine", () => {
  const folder = join(import.meta.dirname, "../../models/evaluations");
  for (const name of readdirSync(folder)) {
    const report = evaluationSchema.parse(JSON.parse(readFileSync(join(folder, name), "utf8")));
    expect(report.data, name).toMatch(/^[^/]+\/[^/]+$/);
  }
});
