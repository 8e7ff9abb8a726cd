import { setTimeout as sleep } from "node:timers/promises";
import { conductOf } from "./commits.ts";
import { GROUP } from "./config.ts";
import { gather, groupRecords } from "./evidence.ts";
import { startFeeder } from "./feeder.ts";
import type { ChaosOptions } from "./options.ts";
import { posts } from "./posts.ts";
import { seeded } from "./random.ts";
import { createRig, PARTITIONS } from "./rig.ts";
import { judge } from "./verdict.ts";
import type { Worker } from "./worker.ts";

const MOST_WORKERS = 4;
const PER_SECOND = 200;
const STALLED_MS = 60_000;

/** Workers come and go while posts flow; the partitions wander between them. */
export async function joins(options: ChaosOptions, say: (line: string) => void) {
  const random = seeded(options.seed);
  const { delivery, joins: moves, keep } = options;
  const rig = await createRig({ delivery, window: 64, sessionMs: 6000, tagger: false, unsteady: { failing: 0 } });
  const all = posts(PER_SECOND * 3600, 0, random);
  const working: Worker[] = [];
  const leaving: ReturnType<Worker["stop"]>[] = [];
  const feeder = startFeeder(rig, all, PER_SECOND);
  const from = performance.now();
  try {
    let seen = 0;
    for (let move = 1; move <= moves; move++) {
      const joining = working.length < 2 || (working.length < MOST_WORKERS && random.next() < 0.5);
      if (joining) working.push(rig.startWorker());
      else leaving.push(working.splice(random.below(working.length), 1)[0]!.stop());
      await sleep(200 + random.below(1200));
      if (move % 10 !== 0) continue;
      await rig.until(`progress by move ${move}`, async () => (await rig.progress()).committed > seen, STALLED_MS);
      seen = (await rig.progress()).committed;
      say(`${move} of ${moves} joins and leaves, ${seen} posts committed`);
    }
    await feeder.stop();
    await rig.until("end of the backlog", async () => (await rig.progress()).lag === 0, STALLED_MS);
    const seconds = (performance.now() - from) / 1000;
    const { lag } = await rig.progress();
    const exits = await Promise.all([...leaving, ...working.splice(0).map((worker) => worker.stop())]);
    const { duplicatesPerCrash: _, ...verdict } = judge(await gather(rig.kafka, PARTITIONS, []));
    const conduct = conductOf(await groupRecords(rig.kafka), GROUP);
    const badExits = exits.filter(({ code }) => code !== 0).length;
    return {
      result: {
        mode: "joins",
        delivery,
        joins: moves,
        ...verdict,
        lag,
        seconds: Math.round(seconds),
        ...conduct,
        badExits,
      },
      promises: {
        "nothing is lost": verdict.lost === 0,
        "nothing comes twice": delivery === "at-least-once" || verdict.duplicates === 0,
        "key and revision tell every duplicate": verdict.duplicatesAfterKey === 0 && verdict.unequal === 0,
        "nothing is left": lag === 0,
        "nobody commits what it does not own": conduct.notOwned === 0,
        "no offset goes back": conduct.backwards === 0,
        "every worker stopped as asked": badExits === 0,
      },
    };
  } finally {
    await feeder.stop();
    await Promise.all(working.map((worker) => worker.kill()));
    if (keep) say(`the workers' words: ${rig.log}`);
    else await rig.close();
  }
}
