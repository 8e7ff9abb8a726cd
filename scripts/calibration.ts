/**
 * Are span confidences better calibrated among legal paths or among all? A CRF on hashed word features learns a CoNLL
 * file with its stray I tags, then the temperature is fitted on one half of a second file and measured on the other.
 *   node --conditions=source scripts/calibration.ts TRAIN VALID
 */
import { tagsFor, tagsOf } from "../src/bio2/index.ts";
import { goldOf, readCorpus, type Sample } from "../src/conll/index.ts";
import {
  createCrf,
  createWorkspace,
  type Distribution,
  type Example,
  fitTemperature,
  infer,
  inferredSpanProbability,
  logZ,
  lossAndGradient,
  pathScore,
  spansOf,
  viterbi,
} from "../src/crf/index.ts";

const [trainFile, validFile] = process.argv.slice(2) as [string, string];
const [train, valid] = [await readCorpus({ path: trainFile }), await readCorpus({ path: validFile })];
const names = tagsOf(train.types);
const crf = createCrf(train.types.length);
const K = crf.tags;
const buckets = 1 << 18;
const weights = new Float32Array(buckets * K);
const ws = createWorkspace();

const hash = (text: string): number => {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return (h ^ (h >>> 15)) & (buckets - 1);
};
const shape = (word = "#") =>
  word
    .replace(/\p{Lu}+/gu, "A")
    .replace(/\p{Ll}+/gu, "a")
    .replace(/\p{N}+/gu, "0");

function features({ words }: Sample): number[][] {
  const at = (i: number) => (words[i] ?? "#").toLowerCase();
  return words.map((word, i) => {
    const own = ["b", `w${at(i)}`, `s${shape(word)}`, `e${at(i).slice(-3)}`, `a${at(i).slice(0, 3)}`];
    const near = [
      `p${at(i - 1)}`,
      `n${at(i + 1)}`,
      `ps${shape(words[i - 1])}`,
      `ns${shape(words[i + 1])}`,
      `pp${at(i - 2)}`,
    ];
    return [...own, ...near, `pw${at(i - 1)}|${at(i)}`, `nw${at(i)}|${at(i + 1)}`].map(hash);
  });
}

function emissionsOf(rows: readonly number[][]): Float32Array {
  const emissions = new Float32Array(rows.length * K);
  rows.forEach((row, i) => {
    for (const bucket of row) for (let k = 0; k < K; k++) emissions[i * K + k]! += weights[bucket * K + k]!;
  });
  return emissions;
}

/** One AdaGrad update of `array[at]`. */
function adaGrad(array: Float32Array, squares: Float32Array, at: number, slope: number): void {
  if (Math.abs(slope) < 1e-6) return;
  squares[at]! += slope * slope;
  array[at]! -= (0.1 * slope) / (Math.sqrt(squares[at]!) + 1e-6);
}

const parts = [crf.transitions, crf.start, crf.end];
const squares = parts.map((part) => new Float32Array(part.length));
const weightSquares = new Float32Array(weights.length);
const rows = train.samples.map(features);
for (let epoch = 0; epoch < 6; epoch++) {
  train.samples.forEach(({ tags }, s) => {
    const emissions = emissionsOf(rows[s]!);
    const slopes = parts.map((part) => new Float32Array(part.length));
    const [transitions, start, end] = slopes as [Float32Array, Float32Array, Float32Array];
    const out = { emissions: new Float32Array(emissions.length), transitions, start, end };
    const gold = tags.map((tag) => names.indexOf(tag));
    lossAndGradient(crf, emissions, gold.length, gold, out, ws);
    rows[s]!.forEach((row, i) => {
      for (const b of row)
        for (let k = 0; k < K; k++) adaGrad(weights, weightSquares, b * K + k, out.emissions[i * K + k]!);
    });
    for (const [p, part] of parts.entries()) for (const i of part.keys()) adaGrad(part, squares[p]!, i, slopes[p]![i]!);
  });
}

const examples = valid.samples.map((sample): Example & { steps: number } => {
  const steps = sample.words.length;
  return { emissions: emissionsOf(features(sample)), steps, gold: tagsFor(goldOf(sample), steps, train.types) };
});
const [fitted, measured] = [0, 1].map((half) => examples.filter((_, i) => i % 2 === half)) as [Example[], Example[]];

/** As `fitTemperature`, over all paths, on a grid of 1%. */
function fitOverAllPaths(): number {
  const grid = Array.from({ length: 240 }, (_, i) => 0.4 * 1.01 ** i);
  const nll = (temperature: number) =>
    fitted.reduce((sum, { emissions, steps, gold }) => {
      const z = logZ(crf, emissions, steps, { temperature, constrained: false }, ws);
      return sum + z - pathScore(crf, emissions, gold, steps) / temperature;
    }, 0);
  const losses = grid.map(nll);
  return grid[losses.indexOf(Math.min(...losses))]!;
}

/** Expected calibration error over ten bins, and Brier score, of the spans that decoding finds. */
function measure(of: Distribution) {
  const bins = Array.from({ length: 10 }, () => ({ p: 0, right: 0 }));
  let [brier, count] = [0, 0];
  for (const { emissions, steps, gold } of measured) {
    const marked = new Set(spansOf(gold, steps).map((span) => JSON.stringify(span)));
    const spans = spansOf(viterbi(crf, emissions, steps), steps);
    infer(ws, crf, emissions, steps, of);
    for (const span of spans) {
      const p = inferredSpanProbability(ws, steps, span);
      const right = marked.has(JSON.stringify(span)) ? 1 : 0;
      const bin = bins[Math.min(9, Math.floor(10 * p))]!;
      bin.p += p;
      bin.right += right;
      brier += (p - right) ** 2;
      count++;
    }
  }
  return { ece: bins.reduce((sum, { p, right }) => sum + Math.abs(p - right), 0) / count, brier: brier / count };
}

const cases = {
  "legal paths, T = 1": { temperature: 1, constrained: true },
  "all paths, T = 1": { temperature: 1, constrained: false },
  "legal paths, fitted": { temperature: fitTemperature(crf, fitted), constrained: true },
  "all paths, fitted": { temperature: fitOverAllPaths(), constrained: false },
};
for (const [name, of] of Object.entries(cases)) {
  const { ece, brier } = measure(of);
  console.log(`${name.padEnd(20)} T ${of.temperature.toFixed(3)}  ECE ${ece.toFixed(4)}  Brier ${brier.toFixed(4)}`);
}
