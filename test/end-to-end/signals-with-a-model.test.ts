import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { configFile, plugin, root, start, tinyConfig } from "./starling.ts";

const model = join(root, "test/fixtures/encoders/bert-onnx");
const config = (words: number) =>
  configFile(
    tinyConfig({ source: `{ use: "${plugin("ticker")}", options: { everyMs: 0, words: ${words} } }` })
      .replace(
        `use: "${plugin("tiny-tagger")}"`,
        `use: tagger-onnx, options: { model: "${model}", processes: 1, timeoutMs: 3600000 }`,
      )
      .replaceAll("batch: 8", "batch: 8, timeoutMs: 3600000"),
  );
/** Of a process: R, S, T (halted), …; undefined once it is gone, or dead and not yet buried. */
function stateOf(pid: number): string | undefined {
  try {
    const state = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
    return state === "Z" ? undefined : state;
  } catch {
    return undefined;
  }
}
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
  "a second signal ends it at once, while the model still runs, and the model's process with it",
  async () => {
    const { child, ended, sees } = start(["run", config(100)]);
    await sees("\n");
    const models = childrenOf(child.pid!).map(Number);
    expect(models).toHaveLength(1);
    // Halted in the middle of its work, so that its run lasts for as long as this test: nobody can wait for its end.
    process.kill(models[0]!, "SIGSTOP");
    try {
      child.kill("SIGTERM");
      // More than what passes for a copy of the first.
      await sleep(500);
      expect(child.exitCode).toBeNull();
      child.kill("SIGTERM");
      expect(await once(child, "exit")).toEqual([143, null]);
      expect(stateOf(models[0]!)).toBe("T");
    } finally {
      process.kill(models[0]!, "SIGCONT");
    }
    // The model's process holds the pipes of its parent: they close when it ends.
    // Nothing was finished or closed on the way: a source that is closed says how many posts it gave.
    expect((await ended).stderr).toBe("");
    while (stateOf(models[0]!) !== undefined) await sleep(20);
  },
);
