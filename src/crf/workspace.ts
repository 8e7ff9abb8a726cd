import { mayFollow } from "../bio2/index.ts";
import { Fault } from "../errors.ts";
import type { Crf } from "./crf.ts";
import { mayStart } from "./tags.ts";

/** Which distribution over tag paths is meant. */
export interface Distribution {
  /** Scores are divided by it: above 1 flattens. */
  readonly temperature: number;
  /** Paths that BIO2 bars have probability 0. */
  readonly constrained: boolean;
}

export const plain: Distribution = { temperature: 1, constrained: false };

/**
 * Scratch memory of the CRF, reused from post to post so that nothing is allocated for each word.
 * It grows with the longest post. Not to be shared between threads; one call at a time.
 */
export interface Workspace {
  tags: number;
  capacity: number;
  /** What the potentials below were made from, to see when they are stale. */
  made: {
    transitions: Float32Array;
    start: Float32Array;
    end: Float32Array;
    temperature: number;
    constrained: boolean;
  };
  /** Scores divided by the temperature, barred ones -Infinity: transitions from-major. */
  logTransitions: Float64Array;
  logStart: Float64Array;
  logEnd: Float64Array;
  /** Their exponentials, and the transitions also to-major, so that both directions read memory in order. */
  fromMajor: Float64Array;
  toMajor: Float64Array;
  start: Float64Array;
  end: Float64Array;
  /** Transition scores as they are, to-major: what Viterbi reads. */
  scoresTo: Float64Array;
  /** [steps × K] each. In log space `alpha`, `beta` and `weight` hold logarithms. */
  alpha: Float64Array;
  beta: Float64Array;
  weight: Float64Array;
  /** Tag marginals. */
  marginals: Float64Array;
  /** [steps] */
  scale: Float64Array;
  peak: Float64Array;
  /** Viterbi: [steps × K] best predecessors, [steps] best path, [2 × K] scores. */
  back: Uint16Array;
  path: Uint16Array;
  scores: Float64Array;
  /** Whether a parameter's exponential is too large or small for probability space. */
  steep: boolean;
  /** Whether the last pass had to leave probability space. */
  inLogSpace: boolean;
}

/** In nats. Trained scores stay below 10; e^100 leaves room for the products of a scaled pass. */
const steepest = 100;

const none = new Float64Array(0);
const noneF32 = new Float32Array(0);

export const createWorkspace = (): Workspace => ({
  tags: 0,
  capacity: 0,
  made: { transitions: noneF32, start: noneF32, end: noneF32, temperature: 0, constrained: false },
  logTransitions: none,
  logStart: none,
  logEnd: none,
  fromMajor: none,
  toMajor: none,
  start: none,
  end: none,
  scoresTo: none,
  alpha: none,
  beta: none,
  weight: none,
  marginals: none,
  scale: none,
  peak: none,
  back: new Uint16Array(0),
  path: new Uint16Array(0),
  scores: none,
  steep: false,
  inLogSpace: false,
});

/** Makes room for `steps` steps of `tags` tags. */
export function reserve(ws: Workspace, tags: number, steps: number): void {
  if (ws.tags === tags && ws.capacity >= steps) return;
  const capacity = Math.max(64, steps, ws.tags === tags ? 2 * ws.capacity : 0);
  ws.tags = tags;
  ws.capacity = capacity;
  for (const name of ["alpha", "beta", "weight", "marginals"] as const) ws[name] = new Float64Array(capacity * tags);
  ws.scale = new Float64Array(capacity);
  ws.peak = new Float64Array(capacity);
  ws.back = new Uint16Array(capacity * tags);
  ws.path = new Uint16Array(capacity);
  ws.scores = new Float64Array(2 * tags);
}

const same = (a: Float32Array, b: Float32Array): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/**
 * Exponentials of the CRF's parameters. They are made again only when the parameters or the distribution have changed;
 * the comparison costs about 100 reads a post, far less than a stale cache in training would.
 */
export function prepare(ws: Workspace, crf: Crf, { temperature, constrained }: Distribution): void {
  const { made } = ws;
  const fresh = made.temperature === temperature && made.constrained === constrained && made.start.length === crf.tags;
  if (fresh && same(made.transitions, crf.transitions) && same(made.start, crf.start) && same(made.end, crf.end))
    return;
  checkFinite("transition score", crf.transitions, "transitions");
  checkFinite("start score", crf.start, "start");
  checkFinite("end score", crf.end, "end");
  ws.made = {
    transitions: crf.transitions.slice(),
    start: crf.start.slice(),
    end: crf.end.slice(),
    temperature,
    constrained,
  };
  fill(ws, crf, temperature, constrained);
}

function fill(ws: Workspace, crf: Crf, temperature: number, constrained: boolean): void {
  const K = crf.tags;
  const bar = (legal: boolean) => (constrained && !legal ? Number.NEGATIVE_INFINITY : 0);
  ws.logTransitions = Float64Array.from(crf.transitions, (score, i) => {
    return score / temperature + bar(mayFollow(Math.floor(i / K), i % K));
  });
  ws.logStart = Float64Array.from(crf.start, (score, tag) => score / temperature + bar(mayStart(tag)));
  ws.logEnd = Float64Array.from(crf.end, (score) => score / temperature);
  ws.fromMajor = ws.logTransitions.map(Math.exp);
  const turned = (i: number) => (i % K) * K + Math.floor(i / K);
  ws.toMajor = ws.fromMajor.map((_, i) => ws.fromMajor[turned(i)]!);
  ws.scoresTo = Float64Array.from(crf.transitions, (_, i) => crf.transitions[turned(i)]!);
  ws.start = ws.logStart.map(Math.exp);
  ws.end = ws.logEnd.map(Math.exp);
  const steep = (score: number) => Number.isFinite(score) && Math.abs(score) > steepest;
  ws.steep = ws.logTransitions.some(steep) || ws.logStart.some(steep) || ws.logEnd.some(steep);
}

function checkFinite(what: string, values: Float32Array, where: string): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new Fault("NOT_A_NUMBER", { what, where: `${where}[${bad}] of the CRF` });
}
