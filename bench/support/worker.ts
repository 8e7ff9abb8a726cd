/** A worker in a process of its own, fed through its standard input and timed by the events on its standard output. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { postLine } from "../posts.ts";

const WARM_UP = 64;
const FEED_MS = 5;
const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Worker {
  /** Sends the next `count` posts; they are numbered from 0 over the whole life of the worker. */
  send(count: number): void;
  readonly sent: number;
  /** When the first and the last event of each post came, in the order of the posts. */
  readonly firsts: readonly (number | undefined)[];
  readonly arrivals: readonly (number | undefined)[];
  readonly answered: number;
  readonly gone: boolean;
  said(): string;
  end(): Promise<void>;
}

export function startWorker(config: string): Worker {
  const args = ["--conditions=source", "src/cli.ts", "run", config, "--input", "-", "--output", "-"];
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(process.execPath, args, {
    cwd: root,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const firsts: (number | undefined)[] = [];
  const arrivals: (number | undefined)[] = [];
  let sent = 0;
  let answered = 0;
  let gone = false;
  let errors = "";
  const exit = once(child, "exit").then(() => {
    gone = true;
  });
  child.stdin.on("error", () => {
    gone = true;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const now = performance.now();
    const { key, final } = JSON.parse(line) as { key: string; final: boolean };
    const index = Number(key.split(":").at(-2));
    firsts[index] ??= now;
    if (!final) return;
    arrivals[index] = now;
    answered++;
  });
  return {
    send(count) {
      child.stdin.write(Array.from({ length: count }, (_, i) => `${postLine(sent + i)}\n`).join(""));
      sent += count;
    },
    get sent() {
      return sent;
    },
    firsts,
    arrivals,
    get answered() {
      return answered;
    },
    get gone() {
      return gone;
    },
    said: () => errors.trim().split("\n").slice(0, 3).join(" "),
    async end() {
      child.stdin.end();
      await exit;
    },
  };
}

export async function warmedUp(worker: Worker): Promise<boolean> {
  worker.send(WARM_UP);
  await answeredAll(worker);
  return !worker.gone;
}

async function answeredAll(worker: Worker): Promise<void> {
  while (worker.answered < worker.sent && !worker.gone) await sleep(1);
}

/** Posts per second while the worker always has more to read; the first second is not counted. */
export async function measureCapacity(worker: Worker, seconds: number): Promise<number> {
  const { sent: first } = worker;
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    if (worker.sent - worker.answered < 4096) worker.send(512);
    await sleep(1);
  }
  await answeredAll(worker);
  const times = worker.arrivals
    .slice(first)
    .map((time) => time!)
    .sort((a, b) => a - b);
  const counted = times.filter((time) => time > start + 1000);
  if (counted.length < 2) throw new Error("the worker stopped in the middle");
  return ((counted.length - 1) * 1000) / (counted.at(-1)! - counted[0]!);
}

/** Milliseconds from the moment each post was due to the arrival of its first and of its last event. */
export async function feedEvenly(
  worker: Worker,
  perSecond: number,
  seconds: number,
): Promise<{ readonly first: number[]; readonly last: number[] }> {
  const { sent: before } = worker;
  const start = performance.now();
  for (let now = start; now - start < seconds * 1000; now = performance.now()) {
    const due = Math.floor(((now - start) / 1000) * perSecond) - (worker.sent - before);
    if (due > 0) worker.send(due);
    await sleep(FEED_MS);
  }
  await answeredAll(worker);
  const late = (times: readonly (number | undefined)[]) =>
    times.slice(before).map((time, i) => time! - (start + ((i + 1) / perSecond) * 1000));
  return { first: late(worker.firsts), last: late(worker.arrivals) };
}

/** The smallest value that this share of the values does not exceed. */
export const quantile = (values: readonly number[], share: number): number => {
  const index = Math.min(values.length - 1, Math.ceil(values.length * share) - 1);
  return Math.round(values.toSorted((a, b) => a - b)[index]! * 100) / 100;
};
