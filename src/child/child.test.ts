import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { type ChildOptions, openChild } from "./index.ts";

const entry = join(import.meta.dirname, "tricky-child.test-help.ts");
const live = new AbortController().signal;

function open(options: Partial<ChildOptions> = {}) {
  const lost: string[] = [];
  const child = openChild<string, string>({ entry, timeoutMs: 10_000, onLost: (how) => lost.push(how), ...options });
  onTestFinished(() => child.close());
  return { ...child, lost };
}
const idOf = (answer: string) => answer.split(" ").at(-1);

test("questions are answered in order, by one process", async () => {
  const { ask } = open({ spec: { greeting: "hello" } });
  const answers = await Promise.all([ask("wait 50", live), ask("b", live), ask("c", live)]);
  expect(answers.map((answer) => answer.replace(/ \d+$/, ""))).toEqual(["hello wait 50", "hello b", "hello c"]);
  expect(new Set(answers.map(idOf)).size).toBe(1);
});

test("what the answering throws is thrown here, and the process goes on", async () => {
  const { ask, lost } = open();
  const before = await ask("a", live);
  await expect(ask("throw", live)).rejects.toThrow("too hard");
  expect(idOf(await ask("a", live))).toBe(idOf(before));
  expect(lost).toEqual([]);
});

test("a process that dies loses its question, and the next gets a new one", async () => {
  const { ask, lost } = open();
  const before = await ask("a", live);
  const [died, after] = await Promise.allSettled([ask("die", live), ask("b", live)]);
  expect(died).toMatchObject({ status: "rejected", reason: { name: "ChildLost", message: "exit code 3" } });
  expect(after).toMatchObject({ status: "fulfilled" });
  expect(idOf((after as { value: string }).value)).not.toBe(idOf(before));
  expect(lost).toEqual(["exit code 3"]);
});

test("a process that hangs is ended and replaced", async () => {
  const { ask } = open({ timeoutMs: 1000 });
  await ask("a", live);
  const [hung, after] = await Promise.allSettled([ask("hang", live), ask("b", live)]);
  expect(hung).toMatchObject({ reason: { name: "ChildLost", message: "signal SIGKILL" } });
  expect(after).toMatchObject({ status: "fulfilled" });
});

test("an abort frees whoever asks, and no other", async () => {
  const { ask } = open();
  await ask("a", live);
  const stop = new AbortController();
  const [slow, waiting, other] = [ask("wait 200", stop.signal), ask("never", stop.signal), ask("b", live)];
  stop.abort(new Error("enough"));
  await expect(slow).rejects.toThrow("enough");
  await expect(waiting).rejects.toThrow("enough");
  expect(await other).toContain("b");
  await expect(ask("c", stop.signal)).rejects.toThrow("enough");
});

test("what its opening throws is told, and so is a death meanwhile", async () => {
  await expect(open({ spec: { greeting: "refuse" } }).ready()).rejects.toThrow("not today");
  await expect(open({ spec: { greeting: "die" } }).ready()).rejects.toThrow("exit code 7");
});

test("it has no environment but the one it is given", async () => {
  const { ask } = open({ env: { ONLY: "1" } });
  const names = JSON.parse(await ask("env", live)) as string[];
  expect(names.filter((name) => !name.startsWith("NODE_CHANNEL"))).toEqual(["ONLY"]);
});

test("closed, it is asked nothing any more, and may be closed again", async () => {
  const child = open();
  await child.ask("a", live);
  const late = expect(child.ask("wait 5000", live)).rejects.toThrow("signal SIGKILL");
  await sleep(50);
  await child.close();
  await child.close();
  await late;
  await expect(child.ask("b", live)).rejects.toThrow("closed");
  expect(child.lost).toEqual([]);
});
