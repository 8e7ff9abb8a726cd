import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hashedLearner } from "../../test/fixtures/hashed-tagger/index.ts";
import { madePosts } from "../../test/fixtures/hashed-tagger/posts.ts";
import { Fault } from "../errors.ts";
import type { TrainingRun } from "../tagger.ts";
import { type Loop, stepsOf, trainLoop } from "./loop.ts";
import type { Progress } from "./progress.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "train-"));
});
afterEach(() => rm(folder, { recursive: true }));

const options = {
  epochs: 3,
  batch: 8,
  chunk: 20,
  seed: 1,
  patience: 0,
  keep: "best" as const,
  checkpointEvery: 4,
  dropCaptions: 0,
  dropKnowledge: 0,
};
const newRun = (rate = 0.3) =>
  hashedLearner.start({ types: ["LOC", "PER"], seed: 1, steps: stepsOf(80, options), options: { rate } });

async function loopOf(run: TrainingRun, change: Partial<Loop> = {}): Promise<Loop & { seen: Progress[] }> {
  const seen: Progress[] = [];
  return {
    run,
    train: madePosts(80),
    valid: madePosts(20, 100),
    options,
    checkpoints: join(folder, "checkpoints"),
    identity: { options: "o", data: "d" },
    resume: false,
    signal: new AbortController().signal,
    report: (progress) => seen.push(progress),
    seen,
    ...change,
  };
}

const spawned = promisify(execFile);
const train = (...args: string[]) =>
  spawned(process.execPath, ["--conditions=source", "test/fixtures/hashed-tagger/train.ts", ...args]);
const sha = async (path: string) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

test("a run stopped twice and resumed in later processes saves the same weights, bit for bit", async () => {
  const [straight, parts] = [join(folder, "straight"), join(folder, "parts")];
  await train(straight, "-");
  await train(parts, "13");
  await train(parts, "31", "resume");
  const { stdout } = await train(parts, "-", "resume");
  expect(JSON.parse(stdout)).toMatchObject({ step: 40 });
  // The best epoch's weights, and weights and moments after the very last step.
  for (const file of ["out/model.bin", "checkpoints/epoch-4-batch-0/state.bin"])
    expect(await sha(join(parts, file))).toBe(await sha(join(straight, file)));
});

test("learns, reports each epoch with its scores and keeps the best epoch beside the newest", async () => {
  const loop = await loopOf(await newRun());
  const { state, finished } = await trainLoop(loop);
  expect(finished).toBe(true);
  expect(state.step).toBe(30);
  expect(state.epochs).toHaveLength(3);
  expect(state.epochs[2]!.loss).toBeLessThan(state.epochs[0]!.loss / 2);
  expect(state.best!.f1).toBe(Math.max(...state.epochs.map(({ f1 }) => f1)));
  expect(state.best!.f1).toBeGreaterThan(80);
  expect(loop.seen.filter(({ event }) => event === "epoch")).toHaveLength(3);
  const steps = loop.seen.filter((progress) => progress.event === "step");
  expect(steps.at(-1)).toMatchObject({ step: 30, steps: 30, etaSeconds: 0 });
  const kept = await readdir(loop.checkpoints);
  expect(kept.sort()).toEqual([...new Set([state.best!.checkpoint, "epoch-3-batch-0"])].sort());
});

/** A run whose epochs answer as many right mentions as its planned scores say; it tells what was restored. */
async function plannedRun(epochs: readonly number[]) {
  const run = await newRun();
  let scored = 0;
  const tag: TrainingRun["tag"] = async (inputs, signal) => {
    const outcomes = await run.tag(inputs, signal);
    const share = epochs[scored++]! / 100;
    return outcomes.map((outcome, i) =>
      outcome.kind === "ok" && i >= share * inputs.length
        ? { ...outcome, value: { ...outcome.value, tagging: { ...outcome.value.tagging, mentions: [] } } }
        : outcome,
    );
  };
  const restored: string[] = [];
  const restore = async (from: string) => {
    restored.push(from);
    await run.restore(from);
  };
  return { run: { ...run, tag, restore }, restored };
}

test("goes back to the best epoch, and stops when patience runs out", async () => {
  const { run, restored } = await plannedRun([40, 60, 50, 55, 70]);
  const loop = await loopOf(run, { options: { ...options, epochs: 5, patience: 2 } });
  const { state } = await trainLoop(loop);
  expect(state.epochs).toHaveLength(4);
  expect(state.best!.epoch).toBe(2);
  expect(restored.at(-1)).toContain("epoch-2-batch-0");
  expect(loop.seen.at(-1)).toEqual({ event: "stopped", why: "patience", epoch: 4 });
});

test("keeps the last epoch where it is told to, though another scored better", async () => {
  const { run, restored } = await plannedRun([40, 60, 50]);
  const { state } = await trainLoop(await loopOf(run, { options: { ...options, keep: "last" } }));
  expect(state.best!.epoch).toBe(3);
  expect(restored.at(-1)).toContain("epoch-3-batch-0");
});

test("a full disk while saving: says so, the last good checkpoint stays and training goes on from it", async () => {
  const run = await newRun();
  let saves = 0;
  const checkpoint = async (into: string) => {
    await run.checkpoint(into);
    if (++saves < 2) return;
    await writeFile(join(into, "state.bin"), "half");
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  };
  const loop = await loopOf({ ...run, checkpoint });
  await expect(trainLoop(loop)).rejects.toMatchObject({
    code: "SAVE_FAILED",
    message: expect.stringMatching(/the disk is full; the last good one, epoch-0-batch-4, stays.*--resume/),
  });
  expect(await readdir(loop.checkpoints)).toEqual(["epoch-0-batch-4"]);
  const { state } = await trainLoop(await loopOf(await newRun(), { resume: true }));
  expect(state.step).toBe(30);
});

test("where there is no checkpoint yet, nothing is said of one that stays or of --resume", async () => {
  const run = await newRun();
  const full = () => Promise.reject(Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }));
  await expect(trainLoop(await loopOf({ ...run, checkpoint: full }))).rejects.toThrow(
    /the disk is full; there is no earlier one\. Make room or mend the folder, then start again$/,
  );
  await expect(trainLoop(await loopOf({ ...run, learn: async () => Number.NaN }))).rejects.toThrow(
    /step 1, .*mend these posts, and start again$/,
  );
});

test.each(["answers NaN", "throws"])(
  "a loss that is no number (%s) names epoch, step and posts, and keeps the checkpoint",
  async (how) => {
    const run = await newRun();
    let steps = 0;
    const learn: TrainingRun["learn"] = async (batch, signal) => {
      const loss = await run.learn(batch, signal);
      if (++steps < 12) return loss;
      if (how === "answers NaN") return Number.NaN;
      throw new Fault("NOT_A_NUMBER", { what: "the loss", where: "this batch" });
    };
    const loop = await loopOf({ ...run, learn });
    await expect(trainLoop(loop)).rejects.toMatchObject({
      code: "NOT_A_NUMBER",
      message: expect.stringMatching(
        /epoch 2, step 12, posts post-\d+.*lower the learning rate.*start again \(the last good checkpoint, epoch-1-batch-0, stays/,
      ),
    });
    expect(await readdir(loop.checkpoints)).toEqual(["epoch-1-batch-0"]);
  },
);

test("a post that cannot be tagged stops the run with its own error", async () => {
  const run = await newRun();
  const tag: TrainingRun["tag"] = async (inputs) => inputs.map(() => ({ kind: "fail", error: new Error("too odd") }));
  await expect(trainLoop(await loopOf({ ...run, tag }))).rejects.toThrow("too odd");
});

test("resuming without a checkpoint, or with other data or options, is refused", async () => {
  const run = await newRun();
  await expect(trainLoop(await loopOf(run, { resume: true }))).rejects.toMatchObject({ code: "CHECKPOINT_MISSING" });
  await trainLoop(await loopOf(run));
  const other = (identity: Loop["identity"]) => loopOf(run, { resume: true, identity }).then(trainLoop);
  const message = (what: string) => ({
    code: "CHECKPOINT_OF_ANOTHER_RUN",
    message: expect.stringContaining(`other ${what}`),
  });
  await expect(other({ options: "o", data: "x" })).rejects.toMatchObject(message("data"));
  await expect(other({ options: "x", data: "d" })).rejects.toMatchObject(message("options"));
});
