/**
 * Posts from a Kafka topic to a Kafka topic, on a broker of its own. Figures of one run:
 * - a pipeline that reads, checks and writes, over bare kafkajs that consumes, parses, produces and commits the same
 *   messages (`ratio`), in turns; and over kafkajs with all that the plugin mends in it (`mendedRatio`);
 * - the tagger's pipeline from Kafka over the same from a file to a file (`taggerRatio`), in turns, from a topic that was
 *   filled before; the broker takes the same processors, so its share is told (`brokerShare`), and the ratio to what it
 *   leaves (`taggerRatioApart`);
 * - from the moment a post was due to the append of its event, at half of what that pipeline can do, evenly, after
 *   10 seconds that do not count (`p50Ms`, `p99Ms`); and from the append of the post, by the broker's clock (`…AppendMs`).
 * A broker that has just started compiles itself for minutes, on the processors of the worker, which one in service has
 * long behind it. So the last two have a broker that Java compiles only once (C1): its requests cost half more than those
 * of one long warm.
 * Without a model (`--model FOLDER`, else models/default) the last two are left out. `--part pass-through` and
 * `--part tagger` measure the first or the other two only.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Broker, startBroker } from "../test/kafka/broker.ts";
import { noBroker } from "../test/kafka/missing.ts";
import { latencyAtHalf } from "./kafka/latency.ts";
import { type Side, sides, startSide } from "./kafka/sides.ts";
import { taggerRounds } from "./kafka/tagger.ts";
import { fill, makeTopic } from "./kafka/topics.ts";
import { median, postLines } from "./posts.ts";

const ROUNDS = 5;
const WANTED = { ratio: 0.8, taggerRatio: 0.95, p99Ms: 100 };

export default async function (options: { scale: number; args: readonly string[] }): Promise<Record<string, unknown>> {
  if (noBroker) return { bench: "kafka", ratio: null, skipped: noBroker };
  const asked = argumentOf(options.args, "--part");
  const wants = (part: "pass-through" | "tagger") => asked === undefined || asked === part;
  const folder = await mkdtemp(join(tmpdir(), "starling-bench-"));
  try {
    return {
      bench: "kafka",
      ratio: null,
      ...(wants("pass-through") &&
        (await onBroker(false, (broker) => throughput(broker, Math.round(200_000 * options.scale))))),
      ...(wants("tagger") && (await onBroker(true, (broker) => withTagger(broker, folder, options)))),
      wanted: WANTED,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function onBroker<T>(quick: boolean, measure: (broker: Broker) => Promise<T>): Promise<T> {
  const broker = await startBroker({ quick, heap: "1g" });
  try {
    return await measure(broker);
  } finally {
    await broker.wipe();
  }
}

async function throughput({ address }: Broker, count: number) {
  await makeTopic(address, "bench-posts");
  await fill(address, "bench-posts", postLines(count));
  const runners = sides.map((side) => [side, startSide(side, { address, topic: "bench-posts", count })] as const);
  const rounds: Readonly<Record<Side, Spent[]>> = { pipeline: [], bare: [], mended: [] };
  for (let round = 0; round <= ROUNDS; round++)
    for (const [side, runner] of runners) {
      const spent = await runner.round();
      if (round > 0) rounds[side].push(spent); // the first one warms up
    }
  for (const [, runner] of runners) runner.end();
  const rate = (side: Side, of: keyof Spent) => Math.round(count / median(rounds[side].map((spent) => spent[of])));
  const over = (side: Side, of: keyof Spent) => round3(rate("pipeline", of) / rate(side, of));
  const figures = {
    ratio: over("bare", "wallSeconds"),
    cpuRatio: over("bare", "cpuSeconds"),
    mendedRatio: over("mended", "wallSeconds"),
    mendedCpuRatio: over("mended", "cpuSeconds"),
    postsPerSecond: rate("pipeline", "wallSeconds"),
    barePerSecond: rate("bare", "wallSeconds"),
    mendedPerSecond: rate("mended", "wallSeconds"),
  };
  const { ratio, mendedRatio, postsPerSecond, barePerSecond, mendedPerSecond } = figures;
  console.log(`pipeline: ${postsPerSecond} posts per second; kafkajs: ${barePerSecond}; mended: ${mendedPerSecond}`);
  console.log(`ratio ${ratio} over kafkajs as it comes, wanted ${WANTED.ratio}; ${mendedRatio} over the mended one`);
  return { ...figures, posts: count, rounds: ROUNDS };
}

async function withTagger(broker: Broker, folder: string, { scale, args }: { scale: number; args: readonly string[] }) {
  const count = Math.max(200, Math.round(24_000 * scale));
  const model = argumentOf(args, "--model");
  const found = await taggerRounds({ broker, folder, count, ...(model !== undefined && { model }) });
  if (found === undefined) return { taggerRatio: null };
  const taggerRatio = round3(found.kafkaPerSecond / found.filePerSecond);
  console.log(`tagger: ${found.kafkaPerSecond} posts per second from Kafka, ${found.filePerSecond} from a file`);
  const brokerShare = round3(found.brokerShare);
  const taggerRatioApart = round3(taggerRatio / (1 - found.brokerShare));
  console.log(
    `ratio ${taggerRatio}; the broker took ${brokerShare} of the processors, without that ${taggerRatioApart}`,
  );
  const latency = await latencyAtHalf({ ...found, seconds: Math.max(5, 30 * scale) });
  const { latencyPosts, p50Ms, p99Ms, p99AppendMs } = latency;
  console.log(
    `at half of that, ${latencyPosts} posts: p50 ${p50Ms} ms, p99 ${p99Ms} ms, ${p99AppendMs} ms from append`,
  );
  const { kafkaPerSecond, filePerSecond } = found;
  return {
    taggerRatio,
    taggerKafkaPerSecond: kafkaPerSecond,
    taggerFilePerSecond: filePerSecond,
    brokerShare,
    taggerRatioApart,
    ...latency,
  };
}

const argumentOf = (args: readonly string[], name: string) =>
  args.includes(name) ? args[args.indexOf(name) + 1] : undefined;

const round3 = (value: number) => Number(value.toFixed(3));

export interface Spent {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}
