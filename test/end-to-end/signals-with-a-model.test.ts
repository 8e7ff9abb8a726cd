import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { configFile, plugin, root, start, tinyConfig } from "./starling.ts";

const model = join(root, "test/fixtures/encoders/bert-onnx");
const config = (words: number) =>
  configFile(
    tinyConfig({ source: `{ use: "${plugin("ticker")}", options: { everyMs: 0, words: ${words} } }` }).replace(
      `use: "${plugin("tiny-tagger")}"`,
      `use: tagger-onnx, options: { model: "${model}", processes: 1 }`,
    ),
  );
const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);

test("the first signal finishes the posts that a model reads", async () => {
  const { child, ended, sees } = start(["run", config(100)]);
  await sees("\n");
  child.kill("SIGINT");
  const { code, stdout, stderr } = await ended;
  const [, given, settled] = /given (\d+), settled (\d+)/.exec(stderr) ?? [];
  expect([code, settled]).toEqual([0, given]);
  expect(stdout.trimEnd().split("\n")).toHaveLength(Number(given));
});

// Needs /proc to find the model's process: Linux only.
test.skipIf(!existsSync("/proc/self/task"))(
  "a second signal ends it at once, and the model's process with it",
  async () => {
    // Long enough that what is in flight is not finished when the second signal comes.
    const { child, ended, sees } = start(["run", config(3000)]);
    await sees("\n");
    const models = childrenOf(child.pid!);
    expect(models).toHaveLength(1);
    child.kill("SIGTERM");
    await sleep(250);
    const before = performance.now();
    child.kill("SIGTERM");
    expect((await ended).code).toBe(143);
    expect(performance.now() - before).toBeLessThan(500);
    for (let i = 0; i < 40 && existsSync(`/proc/${models[0]}`); i++) await sleep(50);
    expect(existsSync(`/proc/${models[0]}`)).toBe(false);
  },
);
