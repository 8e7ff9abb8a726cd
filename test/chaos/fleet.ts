import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Rig } from "./rig.ts";
import type { Worker } from "./worker.ts";

/** Exit code of a command that read nothing. */
const NOT_STARTED = 2;

/** Workers as a supervisor keeps them: whoever ends, for whatever reason, is started again. */
export interface Fleet {
  readonly workers: readonly Worker[];
  /** kill -9 of one worker; another takes its place after `downMs`. */
  crash(index: number, downMs: number): Promise<void>;
  /** Ends of running workers that nobody asked for. */
  readonly unasked: readonly string[];
  /** Workers that did not start, as while the broker is away. */
  readonly unstarted: number;
  /** SIGTERM to all. */
  stop(): Promise<readonly { readonly code: number | null; readonly ms: number }[]>;
  /** At once, whatever they do. */
  kill(): Promise<void>;
}

export function startFleet(rig: Rig, size: number): Fleet {
  const workers: Worker[] = [];
  const unasked: string[] = [];
  let unstarted = 0;
  let closing = false;
  const asked = new Set<Worker>();

  const employ = (index: number) => {
    const worker = rig.startWorker();
    workers[index] = worker;
    void worker.exited.then(async ({ code, signal }) => {
      if (closing || asked.has(worker)) return;
      if (code === NOT_STARTED) unstarted++;
      else unasked.push(`code ${code}, signal ${signal}: ${await lastWords(rig.log)}`);
      await sleep(500);
      if (!closing) employ(index);
    });
  };
  for (let i = 0; i < size; i++) employ(i);

  return {
    workers,
    unasked,
    get unstarted() {
      return unstarted;
    },
    async crash(index, downMs) {
      const worker = workers[index]!;
      asked.add(worker);
      await worker.kill();
      await sleep(downMs);
      employ(index);
    },
    stop() {
      closing = true;
      return Promise.all(workers.map((worker) => worker.stop()));
    },
    async kill() {
      closing = true;
      await Promise.all(workers.map((worker) => worker.kill()));
    },
  };
}

/** What is no line of the log: the sentence that a command ends with. */
async function lastWords(log: string): Promise<string> {
  const lines = (await readFile(log, "utf8")).split("\n").filter((line) => line !== "" && !line.startsWith("{"));
  return lines.slice(-12).join("\n");
}
