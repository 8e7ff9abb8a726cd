import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hashedLearner } from "../../test/fixtures/hashed-tagger/index.ts";
import { madePosts } from "../../test/fixtures/hashed-tagger/posts.ts";
import type { TrainingRun } from "../tagger.ts";
import { trainSchema } from "./config.ts";
import type { Prepared } from "./prepare.ts";
import { type Training, train } from "./train.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "save-"));
});
afterEach(() => rm(folder, { recursive: true }));

const set = { format: "conll", path: "x" };
const config = trainSchema.parse({
  name: "tiny",
  data: { train: set, valid: set },
  epochs: 1,
  checkpoints: { folder: "x" },
  out: "x",
});
const data: Prepared = {
  train: madePosts(40),
  valid: madePosts(20, 100),
  types: ["LOC", "PER"],
  summaries: { train: [], valid: [] },
  validInTrain: 0,
  lost: {},
};

const training = (change: (run: TrainingRun) => Partial<TrainingRun>, more: Partial<Training> = {}): Training => ({
  config,
  data,
  learner: {
    start: async (plan) => {
      const run = await hashedLearner.start(plan);
      return { ...run, ...change(run) };
    },
  },
  out: join(folder, "out"),
  checkpoints: join(folder, "checkpoints"),
  resume: false,
  signal: new AbortController().signal,
  reopen: async () => undefined,
  report() {},
  ...more,
});

test("a full disk while the model is saved: the older model and the last checkpoint stay, and it can be resumed", async () => {
  await mkdir(join(folder, "out"));
  await writeFile(join(folder, "out", "older"), "model");
  const full = training((run) => ({
    async save(into, options) {
      await run.save(into, options);
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", errno: -28 });
    },
  }));
  await expect(train(full)).rejects.toMatchObject({
    code: "SAVE_FAILED",
    message: expect.stringMatching(
      /the model in .*out: the disk is full; the last good checkpoint stays in .*--resume/,
    ),
  });
  expect((await readdir(folder)).sort()).toEqual(["checkpoints", "out"]);
  expect(await readdir(join(folder, "out"))).toEqual(["older"]);
  const card = await train({ ...training(() => ({})), resume: true });
  expect(card!.bestEpoch).toBe(1);
  expect(await readdir(join(folder, "out"))).toContain("manifest.json");
});

test("a fault of the learner while saving is told as it is, and the run is closed", async () => {
  let closed = 0;
  const broken = training(() => ({
    save: async () => Promise.reject(new Error("no exporter for this")),
    close: async () => void closed++,
  }));
  await expect(train(broken)).rejects.toThrow("no exporter for this");
  expect(closed).toBe(1);
});

test("where a saved folder cannot be opened again, fp32 is scored in memory and int8 has no score", async () => {
  const card = await train(training(() => ({})));
  expect(card!.scores.fp32!.f1).toBeGreaterThan(0);
  expect(card!.scores.int8).toBeUndefined();
});

test("an interrupted run saves no model", async () => {
  const stop = new AbortController();
  stop.abort();
  expect(await train(training(() => ({}), { signal: stop.signal }))).toBeUndefined();
  expect((await readdir(folder)).sort()).toEqual(["checkpoints"]);
  const state = await readFile(join(folder, "checkpoints/epoch-0-batch-0/trainer.json"), "utf8");
  expect(JSON.parse(state)).toMatchObject({ step: 0, best: null });
});
