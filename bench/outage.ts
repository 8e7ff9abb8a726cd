/**
 * Posts per second while the language model is down, over the same pipeline where it is never asked: `config/default.yaml`
 * with `knowledge-chat` behind `chat-guard`, all of it as it is set by default, and a gate that says no to every post. The
 * model is down in two ways: nobody listens, so that connections are refused; and a server that takes every request and
 * never answers. One pipeline runs all the time and always has more to read; gate and server change beneath it, in
 * turns, and each round has its ratios, of which the middle ones count. `overBare` compares with captions, draft and
 * final tagging alone, by the same open stages: what having examples and a gate costs is in it too.
 *
 * The circuit is open when the rounds begin. Until it has opened before a server that hangs, the window is full of posts
 * that wait for it. That comes once in an outage, so it is counted as once in an hour. `ratio` is the lesser of the two
 * ways. `npm run bench -- outage [always]` asks about every post.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfigText } from "../src/config/index.ts";
import { delivered } from "../src/flow/in-memory.ts";
import { runPipeline } from "../src/flow/run.ts";
import type { OpenStage } from "../src/flow/types.ts";
import { openParts } from "../src/open.ts";
import { ok } from "../src/outcome.ts";
import { planConfig } from "../src/plan.ts";
import type { Sink, Source } from "../src/plugin.ts";
import { switchedGate } from "./outage/switched-gate.ts";
import type { BenchOptions } from "./run.ts";
import { benchPosts, median } from "./support/posts.ts";

const WANTED = 0.95;
const ROUNDS = 7;
const HOUR_SECONDS = 3600;
const ROUND_SECONDS = 5;
/** Not counted at the beginning of each round: posts of the one before are still under way. */
const CHANGE_SECONDS = 1;
/** Calls that hang are given up after 20 s; ten of them open the circuit. */
const OPENING_SECONDS = 25;
const WINDOW = 513;
const BARE = new Set(["captioner-alt", "draft", "final"]);
type Rates = readonly number[];

export default async function ({ scale, args }: BenchOptions): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), "starling-bench-"));
  const server = await startSilent();
  const env = {
    STARLING_LLM: server.url,
    STARLING_SPENT: join(folder, "spent.db"),
    STARLING_GATE: args[0] ?? "expected",
  };
  const parts = await openParts(
    await planConfig(await readConfigText(join(import.meta.dirname, "outage/pipeline.yaml"), env), { toRun: false }),
  );
  const gate = await switchedGate(parts.stages);
  const { sourceOf, settledAt, texts } = await endless();
  const sink = jsonSink();
  const end = new AbortController();
  let bareRuns = false;
  const run = (stages: readonly OpenStage[], isOn: () => boolean) => {
    const ends = { source: sourceOf(isOn), sink, deadLetters: sink };
    return runPipeline({ ...ends, stages, window: WINDOW, drainMs: 1, version: "bench" }, { signal: end.signal });
  };
  const running = [
    run(gate.stages, () => !bareRuns),
    run(
      parts.stages.filter(({ plugin }) => BARE.has(plugin.name)),
      () => bareRuns,
    ),
  ];
  const states = [
    { name: "textOnly", asks: false, hangs: false, bare: false, rates: [] as number[] },
    { name: "refused", asks: true, hangs: false, bare: false, rates: [] as number[] },
    { name: "hanging", asks: true, hangs: true, bare: false, rates: [] as number[] },
    { name: "bare", asks: false, hangs: false, bare: true, rates: [] as number[] },
  ];
  const change = async ({ asks, hangs, bare = false }: { asks: boolean; hangs: boolean; bare?: boolean }) => {
    bareRuns = bare;
    gate.asks(asks);
    await server.hang(hangs);
    await sleep(CHANGE_SECONDS * 1000);
  };
  const postsPerSecond = async (seconds: number): Promise<number> => {
    const [from, before] = [performance.now(), settledAt.length];
    await sleep(seconds * 1000);
    return ((settledAt.length - before) * 1000) / (performance.now() - from);
  };
  try {
    await change({ asks: false, hangs: true });
    await postsPerSecond(ROUND_SECONDS);
    await change({ asks: true, hangs: true });
    await sleep(OPENING_SECONDS * 1000);
    const stalledSeconds = longestGap(settledAt) / 1000;
    for (let round = 0; round < Math.max(3, ROUNDS * scale); round++)
      for (const state of states) {
        await change(state);
        state.rates.push(await postsPerSecond(ROUND_SECONDS));
      }
    const [textOnly, refused, hanging, bare] = states.map(({ rates }) => rates) as [
      number[],
      number[],
      number[],
      number[],
    ];
    for (const { name, rates } of states) console.log(`${name}: ${rates.map(Math.round).join(", ")} posts per second`);
    const over = (rates: Rates, base = textOnly) => median(rates.map((rate, i) => rate / base[i]!));
    const overHour = over(hanging) * (1 - stalledSeconds / HOUR_SECONDS);
    return {
      bench: "outage",
      ratio: Math.min(over(refused), overHour),
      wanted: WANTED,
      refused: over(refused),
      hanging: over(hanging),
      stalledSeconds,
      overBare: Math.min(over(refused, bare), over(hanging, bare)),
      textOnlyPostsPerSecond: Math.round(median(textOnly)),
      askedShare: gate.askedShare(),
      texts,
    };
  } finally {
    end.abort();
    await Promise.all(running);
    await parts.close();
    await server.close();
    await rm(folder, { recursive: true });
  }
}

/** Posts without end, no two alike, while `isOn` says so; and when each of them was settled. */
async function endless() {
  const { of, texts } = await benchPosts(1000);
  const settledAt: number[] = [];
  const settled = () => void settledAt.push(performance.now());
  let count = 0;
  const sourceOf = (isOn: () => boolean): Source => ({
    async *read(signal) {
      for (; !signal.aborted; count++) {
        while (!isOn() && !signal.aborted) await sleep(10);
        const text = `${texts[count % texts.length]} #${count}`;
        yield [delivered(ok({ id: `p${count}`, text }), count, settled)];
      }
    },
  });
  return { sourceOf, settledAt, texts: of };
}

/** Makes lines of events, as a file would have them. */
const jsonSink = (): Sink => ({
  write: async (batch) =>
    batch.map(({ record }) => {
      JSON.stringify(record);
      return ok(undefined);
    }),
});

const longestGap = (times: readonly number[]): number =>
  times.reduce((longest, at, i) => Math.max(longest, i === 0 ? 0 : at - times[i - 1]!), 0);

/** A server that takes every request and never answers, or lets nobody connect. */
async function startSilent() {
  const server: Server = createServer((request) => void request.resume());
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    hang: (hangs: boolean) => (hangs === server.listening ? undefined : hangs ? listen(port) : close()),
    close,
  };
}
