import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import type { FromChild, ToChild } from "./messages.ts";
import { untilAborted } from "./until-aborted.ts";

export interface ChildOptions {
  /** Path of the module to run, which calls `serveParent`. */
  readonly entry: string;
  /** Given to its `open`. */
  readonly spec?: unknown;
  /** Its whole environment; that of this process by default. */
  readonly env?: Readonly<Record<string, string>>;
  /** A process that gives no answer for so long is ended; the next question gets a new one. */
  readonly timeoutMs: number;
  /** Called when a process ended unasked, with how. */
  readonly onLost?: (how: string) => void;
}

/** A child process for work that blocks its thread, may crash it, or takes memory that only an end gives back. */
export interface Child<Q, A> {
  /** Starts the process, if there is none; throws what its `open` threw. */
  ready(): Promise<void>;
  /**
   * One question at a time, in the order they came. Throws what the answering threw, ChildLost where the process ended or
   * was too slow, and the signal's reason once it is aborted (the process finishes unheard).
   */
  ask(question: Q, signal: AbortSignal): Promise<A>;
  close(): Promise<void>;
}

export class ChildLost extends Error {
  override readonly name = "ChildLost";
}

interface Running {
  readonly child: ChildProcess;
  readonly opened: Promise<void>;
  readonly ended: Promise<string>;
}

export function openChild<Q, A>(options: ChildOptions): Child<Q, A> {
  let last: Promise<unknown> = Promise.resolve();
  let running: Running | undefined;
  let nextId = 0;
  let closed = false;

  function current(): Running {
    if (closed) throw new ChildLost("it was closed");
    if (running !== undefined) return running;
    const started = start(options);
    running = started;
    void started.ended.then((how) => {
      if (running !== started) return;
      running = undefined;
      if (!closed) options.onLost?.(how);
    });
    return started;
  }

  /** Ends a process that is too slow; that it ended is then said by who waits. */
  const drop = ({ child }: Running): void => {
    running = undefined;
    child.kill("SIGKILL");
  };

  async function put(question: Q): Promise<A> {
    const now = current();
    await now.opened;
    const id = nextId++;
    const answer = answerTo<A>(now, id);
    send(now.child, { kind: "ask", id, question });
    const timer = setTimeout(() => drop(now), options.timeoutMs);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    ready: () => current().opened,
    ask(question, signal) {
      const mine = last.then(() => {
        signal.throwIfAborted();
        return put(question);
      });
      last = mine.catch(() => {});
      return untilAborted(mine, signal);
    },
    async close() {
      closed = true;
      running?.child.kill("SIGKILL");
      await running?.ended;
    },
  };
}

function start({ entry, spec, env }: ChildOptions): Running {
  const child = fork(entry, {
    serialization: "advanced",
    // Only what finds the source: flags of a debugger or a test runner are not for children.
    execArgv: extname(entry) === ".ts" ? ["--conditions=source"] : [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: env ?? process.env,
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  const opened = new Promise<void>((resolve, reject) => {
    child.once("message", (message: FromChild) => {
      if (message.kind === "ready") return resolve();
      reject(new Error(message.kind === "refused" ? message.message : "it answered before it was asked"));
      child.kill("SIGKILL");
    });
    void ended.then((how) => reject(new ChildLost(how)));
  });
  // Whoever waits for it hears of it; nobody may.
  opened.catch(() => {});
  send(child, { kind: "open", spec });
  return { child, opened, ended };
}

/** A send to a child that is gone fails; its end tells the same. */
const send = (child: ChildProcess, message: ToChild): void => void (child.connected && child.send(message, () => {}));

function answerTo<A>({ child, ended }: Running, id: number): Promise<A> {
  return new Promise((resolve, reject) => {
    const hear = (message: FromChild) => {
      if (!("id" in message) || message.id !== id) return;
      child.off("message", hear);
      if (message.kind === "answer") resolve(message.answer as A);
      else reject(new Error(message.message));
    };
    child.on("message", hear);
    void ended.then((how) => reject(new ChildLost(how)));
  });
}
