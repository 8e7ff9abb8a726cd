import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { insideOf } from "../bio2/index.ts";
import { everyPath } from "./brute-force.test-help.ts";
import {
  type Crf,
  createCrf,
  createWorkspace,
  decode,
  fitTemperature,
  infer,
  isLegal,
  logZ,
  lossAndGradient,
  marginals,
  pathScore,
  type Span,
  spanProbability,
  spansOf,
  tagCount,
  viterbi,
} from "./index.ts";

interface Case {
  crf: Crf;
  emissions: Float32Array;
  steps: number;
  temperature: number;
  constrained: boolean;
}

/** A tiny chain: 1 or 2 types, 1 to 4 steps, scores in [-size, size]. */
const tiny = (size: number): fc.Arbitrary<Case> =>
  fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 4 })).chain(([types, steps]) => {
    const K = tagCount(types);
    const scores = (length: number) =>
      fc
        .array(fc.double({ min: -size, max: size, noNaN: true }), { minLength: length, maxLength: length })
        .map((values) => Float32Array.from(values));
    return fc.record({
      crf: fc.record({ tags: fc.constant(K), transitions: scores(K * K), start: scores(K), end: scores(K) }),
      emissions: scores(steps * K),
      steps: fc.constant(steps),
      temperature: fc.double({ min: 0.3, max: 4, noNaN: true }),
      constrained: fc.boolean(),
    });
  });

const everySpan = (steps: number, types: number): Span[] =>
  Array.from({ length: steps }, (_, start) =>
    Array.from({ length: steps - start }, (_, more) =>
      Array.from({ length: types }, (_, type) => ({ start, end: start + 1 + more, type })),
    ).flat(),
  ).flat();

/** The path has exactly this mention, whatever stray tags stand elsewhere. */
const has = (path: number[], { start, end, type }: Span): boolean =>
  spansOf(path, path.length).some((s) => s.start === start && s.end === end && s.type === type);

for (const size of [2, 60, 1e4]) {
  describe(`against enumeration, scores up to ±${size}`, () => {
    test("logZ, marginals and every exact span agree", () => {
      fc.assert(
        fc.property(tiny(size), ({ crf, emissions, steps, ...of }) => {
          const all = everyPath(crf, emissions, steps, of);
          expect(Math.abs(logZ(crf, emissions, steps, of) - all.logZ)).toBeLessThan(1e-9 * Math.max(1, size));
          const tags = marginals(crf, emissions, steps, of);
          for (let i = 0; i < steps * crf.tags; i++) {
            const [step, tag] = [Math.floor(i / crf.tags), i % crf.tags];
            const p = all.paths.filter(({ path }) => path[step] === tag).reduce((sum, path) => sum + path.p, 0);
            expect(tags[i]).toBeCloseTo(p, 7);
          }
          for (const span of everySpan(steps, (crf.tags - 1) / 2)) {
            const p = all.paths.filter(({ path }) => has(path, span)).reduce((sum, path) => sum + path.p, 0);
            expect(spanProbability(crf, emissions, steps, span, of)).toBeCloseTo(p, 7);
          }
        }),
        { numRuns: 150 },
      );
    });

    test("Viterbi finds the best legal path, decode its mentions, confidences and expected counts", () => {
      fc.assert(
        fc.property(tiny(size), ({ crf, emissions, steps, temperature }) => {
          const all = everyPath(crf, emissions, steps, { temperature, constrained: true });
          const path = [...viterbi(crf, emissions, steps)];
          expect(isLegal(path)).toBe(true);
          const best = Math.max(...all.paths.map((p) => p.score));
          expect(pathScore(crf, emissions, path, steps) / temperature).toBeCloseTo(best, 5);
          const { mentions, expected } = decode(crf, emissions, steps, temperature, createWorkspace());
          expect(mentions.map(({ start, end, type }) => ({ start, end, type }))).toEqual(spansOf(path, steps));
          const right = all.paths.map(({ path, p }) => p * mentions.filter((mention) => has(path, mention)).length);
          const gold = all.paths.map(({ path, p }) => p * spansOf(path, steps).length);
          expect(expected.correct).toBeCloseTo(
            right.reduce((a, b) => a + b, 0),
            7,
          );
          expect(expected.gold).toBeCloseTo(
            gold.reduce((a, b) => a + b, 0),
            7,
          );
        }),
        { numRuns: 150 },
      );
    });
  });
}

const zeros = (crf: Crf, steps: number) => ({
  emissions: new Float32Array(steps * crf.tags),
  ...(({ transitions, start, end }) => ({ transitions, start, end }))(createCrf((crf.tags - 1) / 2)),
});

test("gradients equal finite differences for emissions and parameters, stray I tags included", () => {
  fc.assert(
    fc.property(tiny(2), fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }), ({ crf, emissions, steps }, draw) => {
      const gold = draw.map((tag) => tag % crf.tags);
      const out = zeros(crf, steps);
      const loss = lossAndGradient(crf, emissions, steps, gold, out);
      expect(loss).toBeCloseTo(logZ(crf, emissions, steps) - pathScore(crf, emissions, gold, steps), 9);
      const at = { emissions, transitions: crf.transitions, start: crf.start, end: crf.end };
      for (const name of ["emissions", "transitions", "start", "end"] as const) {
        at[name].forEach((value, i) => {
          const move = (by: number) => {
            at[name][i] = value + by;
            return lossAndGradient(crf, emissions, steps, gold, zeros(crf, steps)) / (at[name][i]! - value);
          };
          const slope = (move(1e-2) + move(-1e-2)) / 2;
          // With s± the steps really taken: (f(x+s)/s + f(x-s)/(-s)) / 2 is the central difference.
          at[name][i] = value;
          expect(Math.abs(out[name][i]! - slope)).toBeLessThan(2e-3);
        });
      }
    }),
    { numRuns: 40 },
  );
});

test("gradients are added to what is there, and are the same through log space", () => {
  const crf = createCrf(1);
  crf.transitions.set([0.2, -0.1, 0.4, 0.3, 0, 0.5, -0.2, 0.1, 0]);
  const emissions = Float32Array.from([0, 1e4, -1e4, 1e4, 0, 0, 0, 0, 1e4]);
  const out = zeros(crf, 3);
  const first = lossAndGradient(crf, emissions, 3, [0, 1, 2], out);
  const once = Float32Array.from(out.transitions);
  expect(lossAndGradient(crf, emissions, 3, [0, 1, 2], out)).toBe(first);
  out.transitions.forEach((value, i) => {
    expect(value).toBeCloseTo(2 * once[i]!, 6);
  });
});

test("mass that underflows in the middle and returns later is not lost", () => {
  // Inside-only tags are favoured by 300 nats at each of 6 words after a start that is against them by 900.
  const crf = createCrf(1);
  const emissions = new Float32Array(21);
  emissions.set([0, -900, -900]);
  for (let i = 1; i < 7; i++) emissions.set([0, -900, 300], i * 3);
  const ws = createWorkspace();
  infer(ws, crf, emissions, 7, { temperature: 1, constrained: true });
  expect(ws.inLogSpace).toBe(true);
  expect(ws.marginals[0 * 3 + 1]).toBeCloseTo(1, 9);
  expect(
    spanProbability(crf, emissions, 7, { start: 0, end: 7, type: 0 }, { temperature: 1, constrained: true }),
  ).toBeCloseTo(1, 9);
});

test("an empty post has no mentions and logZ 0; one word works", () => {
  const crf = createCrf(4);
  const ws = createWorkspace();
  const none = decode(crf, new Float32Array(0), 0, 1, ws);
  expect(none).toEqual({ mentions: [], expected: { correct: 0, gold: 0 } });
  expect(logZ(crf, new Float32Array(0), 0)).toBe(0);
  expect(lossAndGradient(crf, new Float32Array(0), 0, [], zeros(crf, 0))).toBe(0);
  const one = decode(crf, Float32Array.from([0, 9, 0, 0, 0, 0, 0, 0, 0]), 1, 1, ws);
  expect(one.mentions).toHaveLength(1);
  expect(one.mentions[0]!.confidence).toBeCloseTo(Math.exp(9) / (Math.exp(9) + 4), 9);
});

test("a workspace follows parameters that change in place, and other sizes", () => {
  const ws = createWorkspace();
  const crf = createCrf(1);
  const emissions = Float32Array.from([0, 1, 0, 0, 0, 1]);
  const before = decode(crf, emissions, 2, 1, ws);
  crf.transitions[1 * 3 + insideOf(0)] = 3;
  expect(decode(crf, emissions, 2, 1, ws)).toEqual(decode(crf, emissions, 2, 1, createWorkspace()));
  expect(decode(crf, emissions, 2, 1, ws)).not.toEqual(before);
  const wide = createCrf(2);
  const long = new Float32Array(300 * 5).fill(0.5);
  expect(decode(wide, long, 300, 2, ws)).toEqual(decode(wide, long, 300, 2, createWorkspace()));
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("an emission of %s is refused with its word", (bad) => {
  const emissions = Float32Array.from([0, 0, 0, 0, bad, 0]);
  expect(() => decode(createCrf(1), emissions, 2, 1, createWorkspace())).toThrow("word 1");
});

test("a CRF with a weight that is not a number is refused", () => {
  const crf = createCrf(1);
  crf.transitions[4] = Number.NaN;
  expect(() => decode(crf, new Float32Array(3), 1, 1, createWorkspace())).toThrow("transitions[4]");
});

test("the fitted temperature undoes an overconfident model", () => {
  // Emissions are true log-odds times 3; gold is drawn at the true odds, so T = 3 is right.
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const crf = createCrf(1);
  const examples = Array.from({ length: 4000 }, () => {
    const odds = 4 * uniform() - 2;
    const gold = [uniform() < 1 / (1 + Math.exp(-odds)) ? 1 : 0];
    return { emissions: Float32Array.from([0, 3 * odds, 0]), steps: 1, gold };
  });
  expect(fitTemperature(crf, examples)).toBeGreaterThan(2.7);
  expect(fitTemperature(crf, examples)).toBeLessThan(3.3);
});

test("gold that BIO2 bars does not move the temperature, and no gold gives 1", () => {
  const crf = createCrf(1);
  expect(fitTemperature(crf, [])).toBe(1);
  expect(fitTemperature(crf, [{ emissions: new Float32Array(3), steps: 1, gold: [2] }])).toBe(1);
});
