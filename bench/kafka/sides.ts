import { fork } from "node:child_process";
import { once } from "node:events";
import type { Spent } from "../kafka.ts";

/** Who consumes, parses and produces. `bare` is kafkajs as it comes, `mended` kafkajs with what log-kafkajs mends in it. */
export const sides = ["pipeline", "bare", "mended"] as const;
export type Side = (typeof sides)[number];

export interface Task {
  readonly address: string;
  readonly topic: string;
  readonly count: number;
}

export interface Runner {
  round(): Promise<Spent>;
  end(): void;
}

/** A side in a process of its own, which stays for all rounds: neither sees the other's heap, nor its mended modules. */
export function startSide(side: Side, task: Task): Runner {
  const child = fork(new URL("./side.ts", import.meta.url), [side, JSON.stringify(task)]);
  return {
    async round() {
      child.send("round");
      const ended = once(child, "exit").then(([code]) => {
        throw new Error(`the side ${side} ended with ${code}`);
      });
      const [spent] = (await Promise.race([once(child, "message"), ended])) as [Spent];
      return spent;
    },
    end: () => void child.kill(),
  };
}
