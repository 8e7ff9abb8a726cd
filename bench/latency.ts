/**
 * From post to event: a worker in a process of its own reads posts from its standard input and writes events to its
 * standard output. Its capacity is measured first; then it gets half of that, evenly, and each post is timed from the
 * moment it was due (so that a late feeder counts against the result) to the arrival of its event.
 * `npm run bench -- latency [CONFIG]`
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { postLine } from "./posts.ts";

const TARGET_MS = 100;
const WARM_UP = 64;
const FEED_MS = 5;
const root = fileURLToPath(new URL("../", import.meta.url));

export default async function (options: { scale: number; args: readonly string[] }): Promise<Record<string, unknown>> {
  const config = options.args[0] ?? "config/default.yaml";
  const seconds = Math.max(2, 20 * options.scale);
  const worker = startWorker(config);
  try {
    if (!(await warmedUp(worker))) return { bench: "latency", ratio: null, config, skipped: worker.said() };
    const capacity = await measureCapacity(worker, seconds);
    const latencies = await feedEvenly(worker, capacity / 2, seconds);
    const [p50, p99, worst] = [0.5, 0.99, 1].map((share) => quantile(latencies, share));
    console.log(`${config}: ${Math.round(capacity)} posts per second at most`);
    console.log(`at half of that, ${latencies.length} posts: p50 ${p50} ms, p99 ${p99} ms, longest ${worst} ms`);
    return {
      bench: "latency",
      ratio: p99! / TARGET_MS,
      p99Ms: p99,
      p50Ms: p50,
      maxMs: worst,
      targetMs: TARGET_MS,
      capacityPerSecond: Math.round(capacity),
      posts: latencies.length,
      config,
    };
  } finally {
    await worker.end();
  }
}

interface Worker {
  /** Sends the next `count` posts; they are numbered from 0 over the whole life of the worker. */
  send(count: number): void;
  readonly sent: number;
  /** When each event came, in the order of the posts. */
  readonly arrivals: readonly (number | undefined)[];
  readonly answered: number;
  readonly gone: boolean;
  said(): string;
  end(): Promise<void>;
}

function startWorker(config: string): Worker {
  const args = ["--conditions=source", "src/cli.ts", "run", config, "--input", "-", "--output", "-"];
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(process.execPath, args, {
    cwd: root,
    stdio: ["pipe", "pipe", "pipe"],
  });
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
    if (!final) return;
    arrivals[Number(key.split(":").at(-2))] = now;
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

async function warmedUp(worker: Worker): Promise<boolean> {
  worker.send(WARM_UP);
  await answeredAll(worker);
  return !worker.gone;
}

async function answeredAll(worker: Worker): Promise<void> {
  while (worker.answered < worker.sent && !worker.gone) await sleep(1);
}

/** Posts per second while the worker always has more to read; the first second is not counted. */
async function measureCapacity(worker: Worker, seconds: number): Promise<number> {
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

/** Milliseconds from the moment each post was due to the arrival of its event. */
async function feedEvenly(worker: Worker, perSecond: number, seconds: number): Promise<number[]> {
  const { sent: first } = worker;
  const start = performance.now();
  for (let now = start; now - start < seconds * 1000; now = performance.now()) {
    const due = Math.floor(((now - start) / 1000) * perSecond) - (worker.sent - first);
    if (due > 0) worker.send(due);
    await sleep(FEED_MS);
  }
  await answeredAll(worker);
  return worker.arrivals.slice(first).map((time, i) => time! - (start + ((i + 1) / perSecond) * 1000));
}

const quantile = (values: readonly number[], share: number): number => {
  const index = Math.min(values.length - 1, Math.ceil(values.length * share) - 1);
  return Math.round(values.toSorted((a, b) => a - b)[index]! * 100) / 100;
};
