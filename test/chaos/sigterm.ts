import { setTimeout as sleep } from "node:timers/promises";
import { conductOf } from "./commits.ts";
import { GROUP } from "./config.ts";
import { gather, groupRecords } from "./evidence.ts";
import type { ChaosOptions } from "./options.ts";
import { posts } from "./posts.ts";
import { seeded } from "./random.ts";
import { createRig, PARTITIONS } from "./rig.ts";
import { judge } from "./verdict.ts";
import type { Worker } from "./worker.ts";

const FULL = 50;
const PER_STOP = 300;
const LIMIT_MS = 10_000;

/** A worker under load is told to stop, again and again: it ends soon and well, and the next one repeats nothing. */
export async function sigterm(options: ChaosOptions, say: (line: string) => void) {
  const stops = Math.max(1, Math.round(FULL * options.scale));
  const random = seeded(options.seed);
  const { delivery, keep } = options;
  const unsteady = { minMs: 1, maxMs: 1000, failing: 0 };
  const flow = { batch: 1, waitMs: 0, concurrency: 256 };
  const rig = await createRig({ delivery, window: 256, sessionMs: 10_000, tagger: false, unsteady, flow });
  const all = posts(PER_STOP * (stops + 1), 0, random);
  const exits: { code: number | null; ms: number }[] = [];
  let worker: Worker | undefined;
  try {
    await rig.feed(all, 0, PER_STOP);
    for (let stop = 1; stop <= stops; stop++) {
      const { committed } = await rig.progress();
      await rig.feed(all, stop * PER_STOP, (stop + 1) * PER_STOP);
      worker = rig.startWorker();
      await rig.until(`progress before stop ${stop}`, async () => (await rig.progress()).committed > committed, 60_000);
      await sleep(random.below(1000));
      exits.push(await worker.stop());
      if (stop % 10 === 0) say(`${stop} of ${stops} stops`);
    }
    const { lag: leftByStops } = await rig.progress();
    worker = rig.startWorker();
    await rig.until("end of the backlog", async () => (await rig.progress()).lag === 0, 60_000);
    exits.push(await worker.stop());
    const { duplicatesPerCrash: _, ...verdict } = judge(await gather(rig.kafka, PARTITIONS, []));
    const conduct = conductOf(await groupRecords(rig.kafka), GROUP);
    const slowestMs = Math.round(Math.max(...exits.map(({ ms }) => ms)));
    const badExits = exits.filter(({ code }) => code !== 0).length;
    for (const { code } of exits)
      if (code !== 0) say(`a stop ended with ${code}; what the workers said is in ${rig.log}`);
    return {
      result: { mode: "sigterm", delivery, stops, ...verdict, leftByStops, slowestMs, badExits, ...conduct },
      promises: {
        "every stop ends with 0": badExits === 0,
        "every stop ends within 10 s": slowestMs <= LIMIT_MS,
        "nothing comes twice": verdict.duplicates === 0,
        "nothing is lost": verdict.lost === 0,
        "no offset goes back": conduct.backwards === 0,
      },
    };
  } finally {
    await worker?.kill();
    if (keep) say(`the workers' words: ${rig.log}`);
    else await rig.close();
  }
}
