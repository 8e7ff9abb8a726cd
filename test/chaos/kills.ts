import { setTimeout as sleep } from "node:timers/promises";
import { conductOf } from "./commits.ts";
import { GROUP } from "./config.ts";
import { gather, groupRecords } from "./evidence.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import type { ChaosOptions } from "./options.ts";
import { type Posts, posts } from "./posts.ts";
import { type Random, seeded } from "./random.ts";
import { createRig, PARTITIONS, type Rig } from "./rig.ts";
import { examplesOf, judge } from "./verdict.ts";

const WINDOW = 128;
/** A killed worker's partitions are given away after so long. */
const SESSION_MS = 3000;
const STALLED_MS = 90_000;

/** Workers and the broker are killed at random moments, and every post must come out. */
export async function kills(options: ChaosOptions, say: (line: string) => void) {
  const { events, workerKills, brokerKills, poison, delivery, tagger, workers } = options;
  const random = seeded(options.seed);
  const rig = await createRig({ delivery, window: WINDOW, sessionMs: SESSION_MS, tagger, unsteady: {} });
  const fleet = startFleet(rig, workers);
  try {
    const from = performance.now();
    const victims = random.shuffle([...Array(workerKills).fill("worker"), ...Array(brokerKills).fill("broker")]);
    const all = posts(events, poison, random);
    const crashes = await killAll({ rig, fleet, victims, all, random, say });
    await rig.until("end of the backlog", async () => (await rig.progress()).lag === 0, STALLED_MS + events * 5);
    const seconds = (performance.now() - from) / 1000;
    const { lag } = await rig.progress();
    const exits = await fleet.stop();
    const evidence = await gather(rig.kafka, PARTITIONS, crashes);
    const { duplicatesPerCrash, ...verdict } = judge(evidence);
    const conduct = conductOf(await groupRecords(rig.kafka), GROUP);
    const maxDuplicatesPerCrash = Math.max(0, ...duplicatesPerCrash);
    const inFlight = WINDOW * workers;
    const result = {
      mode: "kills",
      delivery,
      ...verdict,
      lag,
      seconds: Math.round(seconds * 10) / 10,
      workerKills,
      brokerKills,
      maxDuplicatesPerCrash,
      inFlight,
      unaskedExits: fleet.unasked.length,
      unstarted: fleet.unstarted,
      notOwned: conduct.notOwned,
      backwards: conduct.backwards,
    };
    const exact = delivery === "exactly-once";
    if (exact) for (const example of examplesOf(evidence, 5)) say(example);
    const promises: Record<string, boolean> = {
      "nothing is lost": verdict.lost === 0,
      "nothing comes twice": !exact || verdict.duplicates === 0,
      "a crash repeats no more than what was in flight": maxDuplicatesPerCrash <= inFlight,
      "nothing is repeated without a crash": verdict.duplicatesWithoutCrash === 0,
      "key and revision tell every duplicate": verdict.duplicatesAfterKey === 0,
      "copies have equal entities": verdict.unequal === 0,
      "every poison post is in the dead letters": verdict.poison >= poison && verdict.deadLettered === verdict.poison,
      "nothing else is": verdict.wronglyDead === 0,
      "nothing is in both topics": verdict.inBoth === 0,
      "no record comes from nowhere": verdict.strangers === 0,
      "nothing is left": lag === 0,
      "no running worker ended by itself": fleet.unasked.length === 0,
      "every worker stopped as asked": exits.every(({ code }) => code === 0),
      "nobody commits what it does not own": exact || conduct.notOwned === 0,
      "no offset goes back": conduct.backwards === 0,
    };
    return { result, promises };
  } finally {
    for (const reason of fleet.unasked) say(`a worker ended by itself, ${reason}`);
    await fleet.kill();
    if (options.keep) say(`the workers' words: ${rig.log}`);
    else await rig.close();
  }
}

interface Attack {
  readonly rig: Rig;
  readonly fleet: Fleet;
  readonly victims: readonly string[];
  readonly all: Posts;
  readonly random: Random;
  readonly say: (line: string) => void;
}

/** Feeds a share of the posts before each kill, and kills only after some more of them are committed. */
async function killAll({ rig, fleet, victims, all, random, say }: Attack): Promise<number[]> {
  const crashes: number[] = [];
  const share = all.count / (victims.length + 1);
  let fed = 0;
  for (const [i, victim] of victims.entries()) {
    const { committed } = await rig.progress();
    const to = Math.round((i + 1) * share);
    await rig.feed(all, fed, to);
    fed = to;
    await rig.until(
      `progress before kill ${i + 1}`,
      async () => (await rig.progress()).committed > committed,
      STALLED_MS,
    );
    await sleep(random.below(400));
    crashes.push(Date.now());
    const downMs = random.below(500);
    if (victim === "worker") await fleet.crash(random.below(fleet.workers.length), downMs);
    else {
      await rig.broker.kill();
      await sleep(downMs);
      await rig.broker.start();
    }
    if ((i + 1) % 10 === 0) say(`${i + 1} of ${victims.length} kills, ${committed} posts committed`);
  }
  await rig.feed(all, fed, all.count);
  return crashes;
}
