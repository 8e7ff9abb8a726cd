import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GoldInput, TrainingRun } from "starling-ner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixtureFolder } from "../fixture.ts";
import { options } from "../options.ts";
import { createAverage } from "./average.ts";
import { startLearner } from "./index.ts";
import { createArena } from "./parameters.ts";

const signal = new AbortController().signal;
const folder = fixtureFolder("bert");
const learner = { lr: 2e-3, headLr: 1e-2, threads: 2, dropout: 0, attentionDropout: 0 };
const start = (average: number) =>
  startLearner(folder, options.parse({ model: folder }), {
    types: ["PER", "LOC"],
    seed: 3,
    steps: 60,
    options: { ...learner, average },
  });
const posts: GoldInput[] = [
  { words: ["anna", "sings"], captions: [], knowledge: "", gold: [{ start: 0, end: 1, type: "PER" }] },
];

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "starling-average-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function learn(run: TrainingRun, steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) await run.learn(posts, signal);
}

const confidenceOf = async (run: TrainingRun): Promise<number> => {
  const [outcome] = await run.tag(posts, signal);
  return outcome?.kind === "ok" ? outcome.value.tagging.expected.correct : Number.NaN;
};

const filesOf = (from: string) =>
  Promise.all(["dense.weights", "dense.mean", "tables.mean"].map((file) => readFile(join(from, file))));

async function checkpointOf(run: TrainingRun): Promise<string> {
  const into = await mkdtemp(join(scratch, "state-"));
  await run.checkpoint(into);
  return into;
}

test("the mean follows weights that stand still, and lags behind weights that move", () => {
  const arenaOf = (value: number) =>
    createArena([
      { name: "w", group: "encoder", decays: false, value: { dims: [2], data: Float32Array.of(value, -value) } },
    ]);
  const arenas = { tables: arenaOf(0), dense: arenaOf(0) };
  const average = createAverage(arenas, 0.9);
  arenas.dense.weights.set([1, -1]);
  for (let step = 1; step < 8; step++) average.follow(step);
  expect(average.arenas.dense.weights[0]).toBe(0);
  average.follow(8);
  // The first move keeps 2/11 of the mean, the second 3/12, which is below 0.9^8.
  expect(average.arenas.dense.weights[0]).toBeCloseTo(9 / 11, 6);
  average.follow(16);
  expect(average.arenas.dense.weights[1]).toBeCloseTo(-(1 - (2 / 11) * (3 / 12)), 6);
  for (let step = 17; step <= 800; step++) average.follow(step);
  expect(average.arenas.dense.weights[0]).toBeCloseTo(1, 6);
});

test("a run with a mean makes the same steps, but tags with the mean", async () => {
  const [plain, averaged] = [await start(0), await start(0.998)];
  await learn(plain, 8);
  await learn(averaged, 8);
  const [weights] = await filesOf(await checkpointOf(averaged));
  const plainly = await readFile(join(await checkpointOf(plain), "dense.weights"));
  expect(weights!.equals(plainly)).toBe(true);
  expect(await confidenceOf(averaged)).not.toBe(await confidenceOf(plain));
  await plain.close();
  await averaged.close();
});

test("a restored run goes on with its mean, bit for bit, and a checkpoint without one is refused", async () => {
  const whole = await start(0.998);
  await learn(whole, 12);
  const kept = await checkpointOf(whole);
  await learn(whole, 6);
  const resumed = await start(0.998);
  await resumed.restore(kept);
  await learn(resumed, 6);
  const [a, b] = [await filesOf(await checkpointOf(whole)), await filesOf(await checkpointOf(resumed))];
  for (const [i, file] of a.entries()) expect(file.equals(b[i]!)).toBe(true);
  const plain = await start(0);
  const bare = await checkpointOf(plain);
  await expect(resumed.restore(bare)).rejects.toThrow(/\.mean .* it is missing/);
  for (const run of [whole, resumed, plain]) await run.close();
});
