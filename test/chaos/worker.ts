import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const root = join(import.meta.dirname, "../..");

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Worker {
  readonly pid: number;
  readonly startedAt: number;
  readonly gone: Exit | undefined;
  readonly exited: Promise<Exit>;
  /** SIGKILL. */
  kill(): Promise<Exit>;
  /** SIGTERM once it has begun, and how long it took to end from then, in milliseconds. */
  stop(): Promise<Exit & { readonly ms: number }>;
}

/** Starts the real command as a process of its own; what it says goes to the end of `log`. */
export function startWorker(config: string, log: string): Worker {
  const out = openSync(log, "a");
  const child = spawn(process.execPath, ["--conditions=source", join(root, "src/cli.ts"), "run", config, "--verbose"], {
    stdio: ["ignore", out, out],
  });
  let gone: Exit | undefined;
  const exited = new Promise<Exit>((done) => {
    child.on("exit", (code, signal) => {
      gone = { code, signal };
      done(gone);
    });
  });
  const orphan = () => void child.kill("SIGKILL");
  process.once("exit", orphan);
  void exited.then(() => process.removeListener("exit", orphan));
  /** Until its first line in the log: before that, a signal ends a process that has nothing to stop. */
  const begun = async (): Promise<void> => {
    const own = `"pid":${child.pid},`;
    for (let waited = 0; gone === undefined && waited < 30_000; waited += 50) {
      if ((await readFile(log, "utf8")).includes(own)) return;
      await sleep(50);
    }
  };
  return {
    pid: child.pid!,
    startedAt: Date.now(),
    get gone() {
      return gone;
    },
    exited,
    async kill() {
      child.kill("SIGKILL");
      return exited;
    },
    async stop() {
      await begun();
      const from = performance.now();
      child.kill("SIGTERM");
      return { ...(await exited), ms: performance.now() - from };
    },
  };
}
