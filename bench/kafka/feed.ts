import { fork } from "node:child_process";
import { once } from "node:events";

export interface Feed {
  readonly address: string;
  readonly topic: string;
  readonly texts: readonly string[];
  readonly perSecond: number;
  readonly count: number;
}

export interface Fed {
  /** Milliseconds since 1970; post i, whose id that is, was due i + 1 posts later. */
  readonly startedAt: number;
}

/** Sends posts evenly, from a process of its own. */
export async function feedEvenly(task: Feed): Promise<Fed> {
  const child = fork(new URL("./feeder.ts", import.meta.url));
  child.send(task);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the feeder ended with ${code}`);
  });
  const [fed] = (await Promise.race([once(child, "message"), ended])) as [Fed];
  return fed;
}
