import { setTimeout as sleep } from "node:timers/promises";
import type { Posts } from "./posts.ts";
import type { Rig } from "./rig.ts";

export interface Feeder {
  readonly fed: number;
  stop(): Promise<number>;
}

/** Feeds `perSecond` posts, evenly, until it is stopped. */
export function startFeeder(rig: Rig, all: Posts, perSecond: number): Feeder {
  let fed = 0;
  let stopped = false;
  const from = performance.now();
  const feeding = (async () => {
    while (!stopped) {
      const due = Math.min(all.count, Math.floor(((performance.now() - from) / 1000) * perSecond));
      if (due > fed) await rig.feed(all, fed, due);
      fed = Math.max(fed, due);
      await sleep(10);
    }
  })();
  return {
    get fed() {
      return fed;
    },
    async stop() {
      stopped = true;
      await feeding;
      return fed;
    },
  };
}
