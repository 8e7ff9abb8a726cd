import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { EngineSpec, FromChild, Ready, ToChild, Work } from "./messages.ts";
import { receiveFault } from "./send-fault.ts";
import { type SentReplies, writeWorks } from "./wire.ts";

/** A child process that holds the model. */
export interface Worker {
  readonly pid: number | undefined;
  /** Resolves once it can answer; rejects with the fault that kept it from opening. */
  readonly ready: Promise<Ready>;
  /** Resolves when the process has ended, with how it ended. */
  readonly ended: Promise<string>;
  send(id: number, posts: readonly Work[]): void;
  kill(): void;
}

/** The entry beside this file: TypeScript in the repository, JavaScript once built. */
const here = extname(fileURLToPath(import.meta.url));
export const childEntry = fileURLToPath(new URL(`./child${here}`, import.meta.url));

export interface WorkerOptions {
  readonly entry: string;
  readonly spec: EngineSpec;
  readonly onDone: (id: number, replies: SentReplies, runs: readonly number[]) => void;
}

export function startWorker({ entry, spec, onDone }: WorkerOptions): Worker {
  const child = fork(entry, {
    serialization: "advanced",
    // Only what finds the source: flags of a debugger or a test runner are not for children.
    execArgv: extname(entry) === ".ts" ? ["--conditions=source"] : [],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = endOf(child);
  const ready = new Promise<Ready>((resolve, reject) => {
    child.on("message", (message: FromChild) => {
      if (message.kind === "ready") resolve(message.ready);
      else if (message.kind === "refused") reject(receiveFault(message.fault));
      else onDone(message.id, message.replies, message.runs ?? []);
    });
    void ended.then((how) => reject(new Error(how)));
  });
  // Whoever waits for it hears of it; nobody may.
  ready.catch(() => {});
  const send = (message: ToChild): void => void (child.connected && child.send(message, ignoreBrokenPipe));
  send({ kind: "open", spec });
  return {
    pid: child.pid,
    ready,
    ended,
    send: (id, posts) => send({ kind: "work", id, posts: writeWorks(posts) }),
    // A session cannot be interrupted, and a child in one hears no other signal.
    kill: () => void child.kill("SIGKILL"),
  };
}

/** A send to a child that is gone fails; `ended` tells the same, and is acted on. */
const ignoreBrokenPipe = (): void => {};

const endOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
