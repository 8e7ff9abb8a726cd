/**
 * `npm start` once installed, with the sample posts: seconds to the first entity on standard output, and the peak memory
 * of all its processes together (PSS: what several share counts once). At most 2.5 s and 500 MB are wanted.
 * `ratio` is the worse of wanted over measured: 1 or more is good.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { at } from "./support/model.ts";
import { median } from "./support/posts.ts";

interface Options {
  readonly scale: number;
  readonly args: readonly string[];
}

const [maxSeconds, maxMegabytes] = [2.5, 500];

interface Run {
  /** Until the first event with an entity. */
  readonly seconds: number | undefined;
  readonly megabytes: number;
  readonly said: string;
}

async function start(): Promise<Run> {
  const from = performance.now();
  const child = spawn("npm", ["start", "--silent"], { cwd: at("."), stdio: ["ignore", "pipe", "pipe"] });
  let [seconds, out, said]: [number | undefined, string, string] = [undefined, "", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    if (seconds === undefined && /"entities":\[\{/.test(out)) seconds = (performance.now() - from) / 1000;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let [megabytes, running] = [0, true];
  void ended.then(() => {
    running = false;
  });
  while (running) {
    megabytes = Math.max(megabytes, memoryOf(child.pid!));
    await Promise.race([ended, sleep(20)]);
  }
  return { seconds, megabytes, said: said.trim() };
}

/** Megabytes of a process and all below it; those that just ended count nothing. */
function memoryOf(root: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const parent = /\) \S (\d+)/.exec(read(`/proc/${name}/stat`))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const below = (pid: number | undefined): boolean => pid === root || (pid !== undefined && below(parents.get(pid)));
  const bytes = [...parents.keys()].filter(below).map((pid) => {
    const kilobytes = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  });
  return bytes.reduce((a, b) => a + b, 0) / 1e6;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

export default async function startup({ scale }: Options): Promise<Record<string, unknown>> {
  if (process.platform !== "linux") return { bench: "startup", ratio: null, skipped: "memory is read from /proc" };
  const runs: Run[] = [];
  for (let round = 0; round < Math.max(2, Math.round(5 * scale)); round++) runs.push(await start());
  const failed = runs.find(({ seconds }) => seconds === undefined);
  if (failed !== undefined) return { bench: "startup", ratio: null, skipped: `no entity came: ${failed.said}` };
  const seconds = median(runs.map((run) => run.seconds!));
  const megabytes = Math.max(...runs.map((run) => run.megabytes));
  console.log(`first entity after ${seconds.toFixed(2)} s (wanted ${maxSeconds}), ${runs.length} starts`);
  console.log(`peak memory of all processes ${megabytes.toFixed(0)} MB (wanted ${maxMegabytes})`);
  return { bench: "startup", ratio: Math.min(maxSeconds / seconds, maxMegabytes / megabytes), seconds, megabytes };
}
