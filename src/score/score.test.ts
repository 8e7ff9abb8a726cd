import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mentionsOf, type Strays, tagsOf } from "../bio2/index.ts";
import { bootstrapF1, prf, type Scored, score, seenAndUnseen } from "./index.ts";

interface Row {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}
interface Golden {
  readonly name: string;
  readonly gold: readonly (readonly string[])[];
  readonly predicted: readonly (readonly string[])[];
  readonly lenient: { readonly micro: Row; readonly types: Readonly<Record<string, Row>> };
  readonly strict: Golden["lenient"];
}

const golden = JSON.parse(
  readFileSync(new URL("../../test/golden/seqeval.json", import.meta.url), "utf8"),
) as readonly Golden[];
const types = ["LOC", "MISC", "ORG", "PER"];
const names = tagsOf(types);

const scoredOf = ({ gold, predicted }: Golden, strays: Strays): Scored[] =>
  gold.map((tags, post) => {
    const read = (sequence: readonly string[]) =>
      mentionsOf(
        sequence.map((tag) => names.indexOf(tag)),
        types,
        strays,
      );
    return { predicted: read(predicted[post]!), gold: read(tags) };
  });

describe("equals seqeval", () => {
  for (const sample of golden)
    for (const strays of ["lenient", "strict"] as const)
      test(`${sample.name}, ${strays}`, () => {
        const { micro, types: perType } = score(scoredOf(sample, strays), { rounds: 10 });
        const want = sample[strays];
        expect(prf(micro)).toEqual(closeTo(want.micro));
        expect(micro.gold).toBe(want.micro.support);
        for (const [type, row] of Object.entries(want.types)) {
          const tally = perType.get(type) ?? { correct: 0, predicted: 0, gold: 0 };
          expect({ type, ...prf(tally) }).toEqual({ type, ...closeTo(row) });
          expect(tally.gold).toBe(row.support);
        }
      });
});

const closeTo = ({ precision, recall, f1 }: Row) => ({
  precision: expect.closeTo(precision, 12) as number,
  recall: expect.closeTo(recall, 12) as number,
  f1: expect.closeTo(f1, 12) as number,
});

const mention = (start: number, end: number, type = "PER") => ({ start, end, type });

test("a score without mentions on either side is 0, not NaN", () => {
  expect(prf({ correct: 0, predicted: 0, gold: 0 })).toEqual({ precision: 0, recall: 0, f1: 0 });
});

test("a right span with another type, or one word more, is not correct", () => {
  const gold = [mention(0, 2)];
  const of = (predicted: Scored["predicted"]) => score([{ predicted, gold }], { rounds: 10 }).micro.correct;
  expect([of(gold), of([mention(0, 2, "LOC")]), of([mention(0, 3)])]).toEqual([1, 0, 0]);
});

test("counts posts without gold entities in which one is seen", () => {
  const posts = [
    { predicted: [mention(0, 1)], gold: [] },
    { predicted: [], gold: [] },
    { predicted: [], gold: [mention(0, 1)] },
  ];
  expect(score(posts, { rounds: 10 }).entityFree).toEqual({ posts: 2, flagged: 1 });
});

test("tells seen from unseen entities by surface, whatever the case", () => {
  const words = ["PARIS", "and", "Tower", "Bridge"];
  const gold = [mention(0, 1, "LOC"), mention(2, 4, "LOC")];
  expect(
    seenAndUnseen([{ predicted: [gold[0]!], gold }], new Set(["paris"]), (_, m) =>
      words.slice(m.start, m.end).join(" "),
    ),
  ).toEqual({
    seen: { correct: 1, gold: 1 },
    unseen: { correct: 0, gold: 1 },
  });
});

describe("bootstrap", () => {
  const tallies = Array.from({ length: 200 }, (_, i) => ({ correct: i % 3 === 0 ? 0 : 1, predicted: 1, gold: 1 }));
  test("gives the same interval for the same seed, and another for another", () => {
    expect(bootstrapF1(tallies, { seed: 3 })).toEqual(bootstrapF1(tallies, { seed: 3 }));
    expect(bootstrapF1(tallies, { seed: 3 })).not.toEqual(bootstrapF1(tallies, { seed: 4 }));
  });
  test("is as wide as the binomial deviation says", () => {
    const { low, high } = bootstrapF1(tallies, { rounds: 4000 });
    const deviation = Math.sqrt((133 / 200) * (67 / 200) * (1 / 200));
    expect(low).toBeCloseTo(133 / 200 - 1.96 * deviation, 1.7);
    expect(high).toBeCloseTo(133 / 200 + 1.96 * deviation, 1.7);
  });
  test("is one point where all posts are alike, and 0 where there are none", () => {
    expect(bootstrapF1([{ correct: 1, predicted: 1, gold: 1 }])).toEqual({ low: 1, high: 1 });
    expect(bootstrapF1([])).toEqual({ low: 0, high: 0 });
  });
});

test("f1 is the harmonic mean of precision and recall", () => {
  const counts = fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50));
  fc.assert(
    fc.property(counts, ([correct, wrong, missed]) => {
      const { precision: p, recall: r, f1 } = prf({ correct, predicted: correct + wrong, gold: correct + missed });
      expect(f1).toBeCloseTo(p + r > 0 ? (2 * p * r) / (p + r) : 0, 12);
    }),
  );
});
