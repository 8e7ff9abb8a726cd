import { describe, expect, test } from "vitest";
import { estimate } from "./estimate.ts";
import { calibrationError, evaluateLabels, evaluateSums, labelDelay } from "./evaluate.ts";
import type { Labelled } from "./labels.ts";

const seen = (type: string, start = 0, confidence = 0.9) => ({
  ...{ start, end: start + 3, type, confidence, words: 1, capitals: false },
});
const gold = (type: string, start = 0) => ({ start, end: start + 3, type });
const labelled = (change: Partial<Labelled> = {}): Labelled => ({
  ...{ model: "m", predicted: [seen("PER")], gold: [gold("PER")], at: 0, labelled: 5000, weight: 1 },
  ...change,
});
const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

describe("labels", () => {
  const wrong = labelled({ predicted: [seen("LOC")] });

  test("give micro F1 and F1 by type, with an interval around it", () => {
    const found = evaluateLabels({ window: "w", items: [...times(150, labelled()), ...times(50, wrong)] }, 100);
    const all = found.find(({ type }) => type === "all")!;
    expect(all).toMatchObject({ source: "labelled", window: "w", model: "m", posts: 200, support: 200, enough: true });
    expect([all.precision, all.recall, all.f1]).toEqual([0.75, 0.75, 0.75]);
    expect(all.interval!.low).toBeGreaterThan(0.65);
    expect(all.interval!.low).toBeLessThan(0.74);
    expect(all.interval!.high).toBeGreaterThan(0.76);
    const of = (wanted: string) => found.find(({ type }) => type === wanted)!;
    expect([of("PER").precision, of("PER").recall]).toEqual([1, 0.75]);
    expect(of("LOC")).toMatchObject({ precision: 0, support: 0, enough: false });
  });

  test("below the support say so, and give no interval", () => {
    const [all] = evaluateLabels({ window: "w", items: times(99, labelled()) }, 100);
    expect([all!.enough, all!.interval]).toEqual([false, undefined]);
  });

  test("picked by hand count as often as they stand for", () => {
    // Wrong posts were picked ten times as often as others.
    const items = [...times(50, labelled({ weight: 10 })), ...times(50, { ...wrong, weight: 1 })];
    const [all] = evaluateLabels({ window: "w", items }, 1);
    expect(all!.f1).toBeCloseTo(500 / 550, 9);
    expect(all!.support).toBe(100);
  });

  test("of several models are told apart, and of no more than four", () => {
    const items = ["a", "b", "c", "d", "e"].map((model) => labelled({ model }));
    const models = evaluateLabels({ window: "w", items }, 1).map(({ model }) => model);
    expect([...new Set(models)]).toEqual(["a", "b", "c", "d"]);
  });

  test("of more types than are told give those with most entities", () => {
    const items = Array.from({ length: 100 }, (_, i) => labelled({ gold: times(i + 1, gold(`T${i}`)), predicted: [] }));
    const types = evaluateLabels({ window: "w", items }, 1).map(({ type }) => type);
    expect(types).toHaveLength(33);
    expect(types).toContain("T99");
    expect(types).not.toContain("T0");
  });

  test("tell their median delay, never a negative one", () => {
    expect(labelDelay([labelled(), labelled({ labelled: 60_000 }), labelled({ at: 9000, labelled: 0 })])).toBe(5);
    expect(labelDelay([])).toBeUndefined();
  });

  test("tell how far confidence is from the truth", () => {
    const at = (confidence: number, right: boolean) =>
      labelled({ predicted: [seen("PER", 0, confidence)], gold: right ? [gold("PER")] : [] });
    const posts = [...times(60, at(0.75, true)), ...times(40, at(0.75, false))];
    expect(calibrationError(posts, 50)).toBeCloseTo(0.15, 9);
    expect(calibrationError(posts, 101)).toBeUndefined();
  });
});

describe("estimates", () => {
  test("are F1 of expected counts", () => {
    expect(estimate({ predicted: 100, correct: 80, gold: 100 }).f1).toBeCloseTo(0.8, 12);
    const { precision, recall } = estimate({ predicted: 100, correct: 80, gold: 160 });
    expect([precision, recall]).toEqual([0.8, 0.5]);
  });

  test("are mended by what held-out posts told, within what is possible", () => {
    expect(estimate({ predicted: 100, correct: 50, gold: 200 }, { correct: 1.2, gold: 0.6 })).toMatchObject({
      precision: 0.6,
      recall: 0.5,
    });
    expect(estimate({ predicted: 10, correct: 9, gold: 9 }, { correct: 2, gold: 0.1 })).toEqual({
      ...{ precision: 1, recall: 1, f1: 1 },
    });
  });

  test("of models with few posts are told as too few", () => {
    const sum = (model: string, posts: number) => ({ model, posts, predicted: posts, correct: posts, gold: posts });
    const found = evaluateSums("24h", [sum("new", 10), sum("old", 1000)], { correct: 1, gold: 0.5 }, 200);
    expect(found.map(({ model, enough, support, type }) => [model, enough, support, type])).toEqual([
      ["old", true, 500, "all"],
      ["new", false, 5, "all"],
    ]);
  });
});
