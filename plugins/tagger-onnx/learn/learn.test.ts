import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GoldInput, TrainingRun, TrainPlan } from "starling-ner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixtureFolder } from "../fixture.ts";
import { options } from "../options.ts";
import { startLearner } from "./index.ts";

const signal = new AbortController().signal;
const folder = fixtureFolder("bert");
const plan = {
  types: ["PER", "LOC"],
  seed: 3,
  steps: 60,
  options: { lr: 2e-3, headLr: 1e-2, wordShape: true, threads: 2 },
};
const start = (changes: Partial<TrainPlan> = {}, from = folder) =>
  startLearner(from, options.parse({ model: from }), { ...plan, ...changes });

const post = (text: string, ...gold: [number, number, string][]): GoldInput => ({
  words: text.split(" "),
  captions: [],
  knowledge: "",
  gold: gold.map(([first, end, type]) => ({ start: first, end, type })),
});
const posts = [
  post("anna goes to paris", [0, 1, "PER"], [3, 4, "LOC"]),
  post("in rome i met john smith today", [1, 2, "LOC"], [4, 6, "PER"]),
  { ...post("nothing here"), knowledge: "there is no name in it" },
  { ...post("john is here", [0, 1, "PER"]), captions: ["a man"] },
];

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "starling-learn-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

let folders = 0;
async function stateOf(run: TrainingRun): Promise<Buffer> {
  const into = await mkdtemp(join(scratch, `state-${folders++}-`));
  await run.checkpoint(into);
  const files = ["tables.weights", "tables.second", "dense.weights", "dense.first", "dense.second", "learner.json"];
  return Buffer.concat(await Promise.all(files.map((file) => readFile(join(into, file)))));
}

async function learn(run: TrainingRun, steps: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push(await run.learn(posts, signal));
  return losses;
}

test("learns a handful of posts by heart, and says so with its temperature fitted", async () => {
  const run = await start({ options: { ...plan.options, dropout: 0, attentionDropout: 0 } });
  const losses = await learn(run, 60);
  expect(losses.at(-1)).toBeLessThan(0.1);
  expect(await run.calibrate(posts, signal)).toBeGreaterThan(0);
  const outcomes = await run.tag(posts, signal);
  for (const [i, outcome] of outcomes.entries()) {
    const found = outcome.kind === "ok" ? outcome.value.tagging.mentions : [];
    expect(found.map(({ start: first, end, type }) => ({ start: first, end, type }))).toEqual(posts[i]!.gold);
  }
  await run.close();
});

test("the same plan and batches give the same weights, bit for bit", async () => {
  const [a, b] = [await start(), await start()];
  expect(await learn(a, 4)).toEqual(await learn(b, 4));
  expect((await stateOf(a)).equals(await stateOf(b))).toBe(true);
  await a.close();
  await b.close();
});

test("another seed gives other weights", async () => {
  const [a, b] = [await start(), await start({ seed: 4 })];
  expect(await learn(a, 1)).not.toEqual(await learn(b, 1));
  await a.close();
  await b.close();
});

test("a run restored from a checkpoint goes on as if it had never stopped", async () => {
  const whole = await start();
  await learn(whole, 3);
  const kept = await mkdtemp(join(scratch, "kept-"));
  await whole.checkpoint(kept);
  await learn(whole, 3);
  const resumed = await start();
  await resumed.restore(kept);
  await learn(resumed, 3);
  expect((await stateOf(resumed)).equals(await stateOf(whole))).toBe(true);
  await whole.close();
  await resumed.close();
});

test("a checkpoint that is cut short is refused, and the run stays as it was", async () => {
  const run = await start();
  await learn(run, 1);
  const kept = await mkdtemp(join(scratch, "cut-"));
  await run.checkpoint(kept);
  const before = await stateOf(run);
  await writeFile(join(kept, "dense.second"), Buffer.alloc(12));
  await expect(run.restore(kept)).rejects.toThrow(/dense\.second .* it has 12 bytes/);
  expect((await stateOf(run)).equals(before)).toBe(true);
  await run.close();
});

test("a loss that is no number is a fault, and the weights stay as they were", async () => {
  const run = await start({ steps: 1000, options: { ...plan.options, lr: 1e38, headLr: 1e38, warmup: 0 } });
  await learn(run, 1);
  const before = await stateOf(run);
  await expect(run.learn(posts, signal)).rejects.toMatchObject({ code: "NOT_A_NUMBER" });
  expect((await stateOf(run)).equals(before)).toBe(true);
  await run.close();
});

test("a base encoder with NaN, of another shape or cut short is refused before the first step", async () => {
  const broken = join(scratch, "broken");
  await cp(folder, broken, { recursive: true });
  const file = join(broken, "model.safetensors");
  const bytes = await readFile(file);
  const poisoned = Buffer.from(bytes);
  poisoned.writeFloatLE(Number.NaN, bytes.length - 4);
  await writeFile(file, poisoned);
  await expect(start({}, broken)).rejects.toMatchObject({ code: "NOT_A_NUMBER" });
  await writeFile(file, bytes.subarray(0, bytes.length - 100));
  await expect(start({}, broken)).rejects.toThrow(/it ends at byte/);
  await writeFile(file, bytes);
  const config = JSON.parse(await readFile(join(broken, "config.json"), "utf8"));
  await writeFile(join(broken, "config.json"), JSON.stringify({ ...config, intermediate_size: 17 }));
  await expect(start({}, broken)).rejects.toThrow(/has shape .* config\.json asks for/);
});

test("an option that nothing reads is refused", async () => {
  await expect(start({ options: { learningRate: 1 } })).rejects.toThrow(/learningRate/);
});
