import { setTimeout as sleep } from "node:timers/promises";
import { conductOf } from "./commits.ts";
import { GROUP, topics } from "./config.ts";
import { gather, groupRecords, membersOf } from "./evidence.ts";
import { startFeeder } from "./feeder.ts";
import { startFleet } from "./fleet.ts";
import type { ChaosOptions } from "./options.ts";
import { posts } from "./posts.ts";
import { quantile } from "./quantile.ts";
import { readTopic } from "./read-topic.ts";
import { createRig, PARTITIONS, type Rig } from "./rig.ts";
import { judge, placeOf } from "./verdict.ts";

const PER_SECOND = 200;
const HANG = "#hang";

/** One post's stage hangs far longer than a session lasts: nobody may be put out of the group, and the other partitions must not notice. */
export async function hang(options: ChaosOptions, say: (line: string) => void) {
  const hangMs = Math.max(10_000, 120_000 * options.scale);
  const sessionMs = Math.max(2000, 10_000 * options.scale);
  const unsteady = { minMs: 40, maxMs: 80, failing: 0, hangText: HANG, hangMs };
  const flow = { batch: 1, waitMs: 0, concurrency: 256, timeoutMs: hangMs * 2 };
  const { delivery, workers, keep } = options;
  const rig = await createRig({ delivery, window: 50_000, sessionMs, tagger: false, unsteady, flow });
  const fleet = startFleet(rig, workers);
  let feeder: ReturnType<typeof startFeeder> | undefined;
  const generations = async () => conductOf(await groupRecords(rig.kafka), GROUP).generations;
  try {
    // A worker that joins takes partitions over, and with them the posts under way: nothing of that is asked about here.
    await rig.until("all workers in the group", async () => (await membersOf(rig.kafka)) === workers, 60_000);
    feeder = startFeeder(rig, posts(PER_SECOND * 3600, 0), PER_SECOND);
    await rig.until("progress", async () => (await rig.progress()).committed > PER_SECOND * 5, 60_000);
    const [calmFrom, before] = [Date.now(), await generations()];
    await sleep(Math.min(hangMs, 30_000));
    const hangFrom = Date.now();
    say(`a post hangs for ${hangMs} ms, with a session of ${sessionMs} ms`);
    await feedOne(rig, HANG);
    await sleep(hangMs * 0.9);
    const hangTo = Date.now();
    const evictions = (await generations()) - before;
    await feeder.stop();
    await rig.until("end of the backlog", async () => (await rig.progress()).lag === 0, 60_000);
    await fleet.stop();
    const { duplicatesPerCrash: _, ...verdict } = judge(await gather(rig.kafka, PARTITIONS, []));
    const latencies = await latenciesOf(rig);
    const others = (from: number, to: number) =>
      quantile(
        latencies
          .filter(({ place, atMs }) => !place.startsWith(`${topics.posts}/0:`) && atMs >= from && atMs < to)
          .map(({ ms }) => ms),
        0.99,
      );
    const [p99BeforeMs, p99DuringMs] = [others(calmFrom, hangFrom), others(hangFrom, hangTo)];
    return {
      result: {
        mode: "hang",
        ...verdict,
        hangMs,
        sessionMs,
        evictions,
        p99BeforeMs,
        p99DuringMs,
        unaskedExits: fleet.unasked.length,
      },
      promises: {
        "nobody is put out of the group": evictions === 0,
        // A tenth of the posts, on a busy machine, says little about a hundredth of them: both figures are printed then.
        ...(options.scale >= 1 && { "other partitions are as quick as before": p99DuringMs <= 1.2 * p99BeforeMs }),
        "nothing is lost": verdict.lost === 0,
        "nothing comes twice": verdict.duplicates === 0,
        "no worker ended by itself": fleet.unasked.length === 0,
      },
    };
  } finally {
    await feeder?.stop();
    for (const reason of fleet.unasked) say(`a worker ended by itself, ${reason}`);
    await fleet.kill();
    if (keep) say(`the workers' words: ${rig.log}`);
    else await rig.close();
  }
}

async function feedOne(rig: Rig, text: string): Promise<void> {
  const producer = rig.kafka.producer();
  await producer.connect();
  const value = JSON.stringify({ id: "hanging", text: `One that hangs ${text}` });
  await producer.send({ topic: topics.posts, acks: -1, messages: [{ partition: 0, value }] });
  await producer.disconnect();
}

/** From the record of a post to that of its last event, both by the clock of this machine. */
async function latenciesOf(rig: Rig) {
  const posted = new Map<string, number>();
  for (const { partition, message } of await readTopic(rig.kafka, topics.posts, PARTITIONS))
    posted.set(`${topics.posts}/${partition}:${message.offset}`, Number(message.timestamp));
  return (await readTopic(rig.kafka, topics.entities, PARTITIONS)).flatMap(({ message }) => {
    const { key, final } = JSON.parse(String(message.value)) as { key: string; final: boolean };
    const place = placeOf(key);
    const atMs = posted.get(place)!;
    return final ? [{ place, atMs, ms: Number(message.timestamp) - atMs }] : [];
  });
}
