import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosOptions } from "./options.ts";
import { posts } from "./posts.ts";
import { cpuSeconds } from "./process-figures.ts";
import { createRig } from "./rig.ts";

const FULL_SECONDS = 600;
const SETTLE_MS = 5000;
const MOST = 0.03;

/** A worker with nothing to do uses next to nothing. */
export async function idle(options: ChaosOptions, say: (line: string) => void) {
  const seconds = FULL_SECONDS * options.scale;
  const { delivery, keep } = options;
  const rig = await createRig({ delivery, window: 512, sessionMs: 30_000, tagger: false, unsteady: null });
  await rig.feed(posts(100, 0), 0, 100);
  const worker = rig.startWorker();
  try {
    await rig.until("end of the backlog", async () => (await rig.progress()).lag === 0, 60_000);
    await sleep(SETTLE_MS);
    const [from, before] = [performance.now(), cpuSeconds(worker.pid)];
    await sleep(seconds * 1000);
    const cpu = (cpuSeconds(worker.pid) - before) / ((performance.now() - from) / 1000);
    return {
      result: { mode: "idle", delivery, seconds, cpu: Number(cpu.toFixed(4)), wanted: MOST },
      promises: { "it is idle": cpu <= MOST, "the worker runs to the end": worker.gone === undefined },
    };
  } finally {
    await worker.kill();
    if (keep) say(`the workers' words: ${rig.log}`);
    else await rig.close();
  }
}
