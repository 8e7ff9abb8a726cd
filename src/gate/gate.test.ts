import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mulberry32, prf, sum } from "../score/index.ts";
import { type Asked, doubtOf, fitGain, gainAt, gainCurveSchema, gainsOf, runningRank } from "./index.ts";

const mention = (confidence: number) => ({ start: 0, end: 1, type: "PER", confidence });
const nothing = { correct: 0, predicted: 0, gold: 0 };

describe("doubt", () => {
  test("is the expected number of wrong mentions and a tenth of the missed", () => {
    expect(doubtOf({ mentions: [mention(0.9), mention(0.5)], expected: { correct: 1.4, gold: 2.4 } })).toBeCloseTo(0.7);
  });

  test("is 0 for a tagging that is sure of itself, and never below", () => {
    expect(doubtOf({ mentions: [mention(1)], expected: { correct: 1.0000001, gold: 1 } })).toBe(0);
  });
});

describe("gains", () => {
  test("their mean is, to first order, what asking about all posts brings", () => {
    const random = mulberry32(7);
    const posts = Array.from({ length: 500 }, (): Asked => {
      const draft = { correct: random() < 0.8 ? 1 : 0, predicted: 1, gold: 1 };
      return { doubt: random(), draft, final: random() < 0.1 ? { ...draft, correct: 1 } : draft };
    });
    const f1 = (of: "draft" | "final") => 100 * prf(sum(posts.map((post) => post[of]))).f1;
    const mean = gainsOf(posts).reduce((total, gain) => total + gain, 0) / posts.length;
    expect(mean).toBeCloseTo(f1("final") - f1("draft"), 6);
  });

  test("are 0 where there is no entity at all", () => {
    expect(gainsOf([{ doubt: 1, draft: nothing, final: nothing }])).toEqual([0]);
  });
});

const asked = fc.record({
  doubt: fc.double({ min: 0, max: 5, noNaN: true }),
  draft: fc.constant({ correct: 1, predicted: 2, gold: 2 }),
  final: fc.nat(2).map((correct) => ({ correct, predicted: 2, gold: 2 })),
});

describe("a fitted curve", () => {
  test("never falls, its doubts rise, and it can be written and read", () => {
    fc.assert(
      fc.property(fc.array(asked, { minLength: 2, maxLength: 60 }), (posts) => {
        const curve = fitGain(posts);
        curve.gains.forEach((gain, i) => {
          if (i > 0) expect(gain).toBeGreaterThanOrEqual(curve.gains[i - 1]!);
        });
        const file = { schema: "starling.gate/1", model: "m", data: "d", posts: posts.length, ...curve };
        expect(gainCurveSchema.safeParse(file).success).toBe(true);
      }),
    );
  });

  test("finds where asking begins to pay", () => {
    const posts = Array.from({ length: 1200 }, (_, i): Asked => {
      const doubt = i / 1200;
      const draft = { correct: 1, predicted: 2, gold: 2 };
      return { doubt, draft, final: doubt > 0.5 ? { ...draft, correct: 2 } : draft };
    });
    const curve = fitGain(posts);
    expect(gainAt(curve, 0.2)).toBe(0);
    expect(gainAt(curve, 0.9)).toBeCloseTo(50);
  });

  test("is linear between its knots and flat outside of them", () => {
    const curve = { doubts: [1, 3], gains: [2, 6] };
    expect([0, 1, 2, 3, 9].map((doubt) => gainAt(curve, doubt))).toEqual([2, 2, 4, 6, 6]);
  });
});

describe("running rank", () => {
  test("ranks the first number by the spread it starts with", () => {
    expect(runningRank([0, 1], 101)(0.75)).toBeCloseTo(0.75, 1);
  });

  test.each([0.1, 0.5, 0.9])("a threshold on it asks about a share of %s, whatever comes", (share) => {
    const random = mulberry32(3);
    const rank = runningRank([0, 1], 1000);
    // Other posts than those it was fitted to, and they change half way.
    const asks = Array.from({ length: 20_000 }, (_, i) => rank((i < 10_000 ? 3 : 8) * random() ** 2) > 1 - share);
    const settled = asks.slice(2000, 10_000).filter(Boolean).length / 8000;
    const again = asks.slice(12_000).filter(Boolean).length / 8000;
    expect([Math.abs(settled - share), Math.abs(again - share)].every((off) => off < 0.02)).toBe(true);
  });
});
