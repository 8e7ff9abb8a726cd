import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosOptions } from "./options.ts";
import { posts } from "./posts.ts";
import { residentMB } from "./process-figures.ts";
import { quantile } from "./quantile.ts";
import { createRig } from "./rig.ts";

const FULL_SECONDS = 1800;
/** What the stage lets through: 8 runs of 8 posts, 0.4 s each. */
const PER_SECOND = 160;
const STAGE = { minMs: 400, maxMs: 400, failing: 0 };

/** Half an hour of posts behind a slow stage: memory stays as it was. */
export async function backlog(options: ChaosOptions, say: (line: string) => void) {
  const seconds = FULL_SECONDS * options.scale;
  const { delivery, keep } = options;
  const rig = await createRig({ delivery, window: 512, sessionMs: 10_000, tagger: false, unsteady: STAGE });
  const count = Math.ceil(PER_SECOND * (seconds + 60) * 2);
  await rig.feed(posts(count, 0), 0, count);
  const worker = rig.startWorker();
  try {
    await rig.until("progress", async () => (await rig.progress()).committed > 0, 60_000);
    const samples: number[] = [];
    const every = Math.min(1000, (seconds * 1000) / 90);
    for (const end = Date.now() + seconds * 1000; Date.now() < end && !worker.gone; await sleep(every))
      samples.push(residentMB(worker.pid));
    const { committed, lag } = await rig.progress();
    // The first third fills caches and lets the compiler work.
    const third = Math.floor(samples.length / 3);
    const [beforeMB, afterMB] = [samples.slice(third, 2 * third), samples.slice(2 * third)].map((part) =>
      Math.round(quantile(part, 0.5)),
    ) as [number, number];
    const peakMB = Math.round(Math.max(...samples));
    return {
      result: { mode: "backlog", delivery, seconds, committed, lag, beforeMB, afterMB, peakMB },
      promises: {
        "the worker runs to the end": worker.gone === undefined,
        "posts flow, and more wait": committed > (PER_SECOND * seconds) / 4 && lag > 512,
        "memory is flat": afterMB <= 1.15 * beforeMB,
      },
    };
  } finally {
    await worker.kill();
    if (keep) say(`the workers' words: ${rig.log}`);
    else await rig.close();
  }
}
