/**
 * What metrics cost. Two pipelines, each with and without, in turns: the tagger's over tokens of real length
 * (`ratio`: posts per second with metrics over those without), and one that does nothing, where the cost a post shows
 * best (in processor time of the whole process). A scraper asks all along where metrics are on; at full load of the tagger's
 * pipeline a scrape is timed from request to the last byte.
 * `cpuRatio` is the same in processor time, children included: others on the machine disturb it less.
 * Without a model (`--model FOLDER`, else models/default) the tagger's part is left out.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyRounds } from "./observe/empty.ts";
import { taggerRun } from "./observe/tagger-run.ts";
import { median } from "./posts.ts";
import { at } from "./support/model.ts";
import { benchPosts } from "./support/posts.ts";

const ROUNDS = 15;
const WANTED = { ratio: 0.99, microsecondsPerPost: 3, scrapeMs: 50, series: 2000 };

export default async function (options: { scale: number; args: readonly string[] }): Promise<Record<string, unknown>> {
  const empty = await emptyRounds(Math.round(200_000 * options.scale));
  console.log(`empty pipeline: ${empty.microsecondsPerPost} microseconds a post, wanted ${WANTED.microsecondsPerPost}`);
  const folder = await mkdtemp(join(tmpdir(), "starling-bench-"));
  try {
    return { bench: "observe", ...empty, ...(await taggerRounds(folder, options)), wanted: WANTED };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function taggerRounds(folder: string, { scale, args }: { scale: number; args: readonly string[] }) {
  const model = args.includes("--model") ? args[args.indexOf("--model") + 1]! : at("models/default");
  if (!existsSync(join(model, "manifest.json"))) return { ratio: null, skipped: `${model} has no model` };
  const count = Math.max(200, Math.round(2000 * scale));
  const { texts } = await benchPosts(count);
  const now = new Date().toISOString();
  const lines = texts.map((text, i) => JSON.stringify({ id: String(i), text, createdAt: now }));
  const input = join(folder, "posts.ndjson");
  await writeFile(input, `${lines.join("\n")}\n`);
  const side = { on: [] as number[], off: [] as number[] };
  const cpu = { on: [] as number[], off: [] as number[] };
  const scrapes: number[] = [];
  let series = 0;
  for (let round = 0; round <= ROUNDS; round++)
    for (const which of round % 2 === 0 ? (["off", "on"] as const) : (["on", "off"] as const)) {
      const ran = await taggerRun(folder, { input, model, measured: which === "on" });
      if (ran.emitted !== count) throw new Error(`${ran.emitted} of ${count} posts came through`);
      if (round === 0) continue;
      side[which].push(ran.seconds);
      cpu[which].push(ran.cpuSeconds);
      scrapes.push(...ran.scrapes);
      series = Math.max(series, ran.series);
    }
  const ratio = medianRatio(side);
  const cpuRatio = medianRatio(cpu);
  const slowest = Math.max(...scrapes);
  const perSecond = Math.round(count / median(side.on));
  console.log(`tagger: ${perSecond} posts per second with metrics`);
  console.log(
    `ratio ${ratio.toFixed(4)} by the clock, ${cpuRatio.toFixed(4)} by processor time, wanted ${WANTED.ratio}`,
  );
  console.log(
    `${scrapes.length} scrapes at full load: median ${median(scrapes)} ms, longest ${slowest} ms; ${series} series`,
  );
  return {
    ratio: Number(ratio.toFixed(4)),
    cpuRatio: Number(cpuRatio.toFixed(4)),
    postsPerSecond: perSecond,
    postsPerSecondOff: Math.round(count / median(side.off)),
    scrapeMs: median(scrapes),
    scrapeMaxMs: slowest,
    scrapes: scrapes.length,
    series,
    posts: count,
    rounds: ROUNDS,
  };
}

/** Both of a pair ran one after the other, so under about the same load. */
const medianRatio = ({ on, off }: { readonly on: readonly number[]; readonly off: readonly number[] }): number =>
  median(off.map((seconds, i) => seconds / on[i]!));
