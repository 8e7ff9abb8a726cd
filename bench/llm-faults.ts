/**
 * Posts through draft, gate, examples, LLM and final tagging, while three calls in ten of the LLM fail in every way that the server of
 * `starling dev llm` knows, it is gone for a while in the middle, and some posts cannot be tagged at all.
 * `ratio` is the share of posts that came out exactly once for each of their revisions, or as one dead letter.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { readConfigText } from "../src/config/index.ts";
import { delivered, memorySink } from "../src/flow/in-memory.ts";
import { runPipeline } from "../src/flow/run.ts";
import { openParts } from "../src/open.ts";
import { ok } from "../src/outcome.ts";
import { planConfig } from "../src/plan.ts";
import type { Source } from "../src/plugin.ts";
import type { EntityEvent } from "../src/schema/event.ts";
import type { Bench } from "./run.ts";

const root = join(import.meta.dirname, "..");
const DEADLINE_MS = 3000;
/** Of work that is not the LLM's: the event loop, the tagger, the sink. */
const SLACK_MS = 500;

const faults = [
  // A server that asks for a pause is given one, by all calls: longer ones would leave little to see.
  { kind: "busy", afterMs: 50, form: "ms" },
  "failed",
  "refused",
  "reset",
  "hang",
  "garbage",
  "wrong_json",
  "refusal",
  "length",
  "empty",
  { kind: "slow", waitMs: 5000 },
  { kind: "drip", waitMs: 400 },
] as const;
/** Each takes its share of what the rules before it left, so that all come equally often. */
const script = (share: number) =>
  faults.map((fault, i) => ({
    fault,
    chance: share / faults.length / (1 - (share * i) / faults.length),
  }));

export interface FaultyRun {
  readonly posts: number;
  readonly exact: number;
  readonly deadLetters: number;
  readonly knowledge: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** Of posts that were asked: from their reading to their last event, milliseconds. */
  readonly slowestMs: number;
  /** From the first call that found no server to the open circuit, milliseconds. */
  readonly openedAfterMs: number;
  /** Posts with knowledge after the server came back, of those that were asked. */
  readonly recovered: number;
}

/** Half of the posts with faults, a tenth while there is no server, the rest with faults again. */
export async function faultyRun(posts: number, share = 0.3): Promise<FaultyRun> {
  const folder = mkdtempSync(join(tmpdir(), "llm-faults-"));
  const server = await startServer(join(folder, "script.json"), share);
  const parts = await openParts(
    await planConfig(await readConfigText(configIn(folder, server.url), {}), { toRun: false }),
  );
  const readAt: number[] = [];
  const endedAt: number[] = [];
  const { sink, records } = memorySink(({ record, origin }) => {
    if (record.schema === "starling.entities/1" && record.final) endedAt[Number(origin.offset)] = performance.now();
    return ok(undefined);
  });
  const letters = memorySink();
  const settled = new Map<number, number>();
  const circuit = parts.resources.get("llm")!.value as { figures(): { circuitOpen: number } };
  let openedAfterMs = Number.NaN;
  const down = Math.floor(posts / 2);
  const up = Math.floor(posts * 0.6);
  const source: Source = {
    async *read() {
      for (let at = 0; at < posts; at++) {
        if (at === down) {
          await server.kill();
          const killedAt = performance.now();
          void opened(circuit).then(() => (openedAfterMs = performance.now() - killedAt));
        }
        if (at === up) {
          await Promise.race([opened(circuit), wait(8000)]);
          await server.restart();
          await wait(2500);
        }
        // Posts come at their own pace, whatever the LLM does.
        if (at % 4 === 0) await wait(10);
        // A single call tries whether the server is back, and may meet one of its faults: some seconds are given to it.
        if (at >= up && circuit.figures().circuitOpen === 1) await wait(100);
        readAt[at] = performance.now();
        yield [delivered(ok(postOf(at)), at, (index) => settled.set(index, (settled.get(index) ?? 0) + 1))];
      }
    },
  };
  try {
    const pipeline = { source, sink, deadLetters: letters.sink, stages: parts.stages, window: 512, version: "v" };
    await runPipeline(pipeline, { signal: new AbortController().signal });
  } finally {
    await parts.close();
    await server.kill();
    rmSync(folder, { recursive: true });
  }
  const events = records() as EntityEvent[];
  const finals = events.filter(({ final }) => final);
  const indexOf = ({ postId }: EntityEvent) => Number(postId.slice(1));
  const asked = finals.filter((event) => kindOf(indexOf(event)) === "asked");
  return {
    posts,
    exact: exactly(posts, events, letters.records(), settled),
    deadLetters: letters.written.length,
    knowledge: finals.filter(({ knowledge }) => knowledge !== null).length,
    reasons: Object.fromEntries(
      Object.entries(
        Object.groupBy(
          asked.flatMap(({ degraded }) => degraded),
          ({ reason }) => reason,
        ),
      ).map(([reason, all = []]) => [reason, all.length]),
    ),
    slowestMs: Math.max(...asked.map((event) => endedAt[indexOf(event)]! - readAt[indexOf(event)]!)),
    openedAfterMs,
    recovered: ratioOf(asked.filter((event) => indexOf(event) >= up).map(({ knowledge }) => knowledge !== null)),
  };
}

const ratioOf = (all: readonly boolean[]): number => all.filter(Boolean).length / all.length;

/** One post in a hundred cannot be tagged, a tenth is not worth asking. */
const kindOf = (index: number): "broken" | "clear" | "asked" =>
  index % 100 === 7 ? "broken" : index % 10 === 3 ? "clear" : "asked";
const postOf = (index: number) => ({ id: `p${index}`, text: `Ada met ${kindOf(index)} post ${index} in London` });

/** Posts with the very events they should have, each once, and settled once. */
function exactly(
  posts: number,
  events: readonly EntityEvent[],
  letters: readonly object[],
  settled: ReadonlyMap<number, number>,
): number {
  const seen = new Map<string, string[]>();
  const note = (id: string, what: string) => seen.set(id, [...(seen.get(id) ?? []), what]);
  for (const { postId, revision, final } of events) note(postId, `${revision}${final ? "!" : ""}`);
  for (const letter of letters) note((letter as { postId: string }).postId, "letter");
  const wanted = { broken: "letter", clear: "0!", asked: "0 1!" };
  return Array.from({ length: posts }, (_, i) => i).filter(
    (i) => seen.get(`p${i}`)?.join(" ") === wanted[kindOf(i)] && settled.get(i) === 1,
  ).length;
}

async function opened(circuit: { figures(): { circuitOpen: number } }): Promise<void> {
  for (let tries = 0; circuit.figures().circuitOpen === 0 && tries < 1000; tries++) await wait(10);
}

function configIn(folder: string, url: string): string {
  const fixture = (name: string) => join(root, `test/fixtures/plugins/${name}.ts`);
  const file = join(folder, "pipeline.yaml");
  writeFileSync(
    file,
    `resources:
  tagger: { use: ${fixture("tiny-tagger")}, options: { fails: broken } }
  bank: { use: ${fixture("tiny-bank")} }
  openai: { use: chat-openai, options: { model: dev, baseURL: "${url}" } }
  llm: { use: chat-guard, options: { chat: openai, attemptMs: 1500, circuit: { share: 0.6, failures: 20, windowMs: 2000, openMs: 2000 } } }
stages:
  - { use: draft, batch: 32, concurrency: 2 }
  - { use: ${fixture("tiny-gate")} }
  - { use: ${fixture("tiny-retriever")} }
  - { use: knowledge-chat, batch: 1, concurrency: 64, timeoutMs: ${2 * DEADLINE_MS}, options: { deadlineMs: ${DEADLINE_MS}, reposts: { size: 0 } } }
  - { use: final, batch: 32, concurrency: 2 }
`,
  );
  return file;
}

/** The server in a process of its own, to be killed and started again at the same place. */
async function startServer(file: string, share: number) {
  writeFileSync(file, JSON.stringify(script(share)));
  let child: ChildProcess | undefined;
  const start = async (port: string): Promise<string> => {
    const cli = [join(root, "src/cli.ts"), "dev", "llm", "--script", file, "--port", port];
    child = spawn(process.execPath, ["--conditions=source", ...cli], { stdio: ["ignore", "pipe", "ignore"] });
    const [url] = (await once(createInterface(child.stdout!), "line")) as [string];
    return url;
  };
  const url = await start("0");
  return {
    url,
    kill: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
    restart: () => start(new URL(url).port),
  };
}

const bench: Bench = async ({ scale }) => {
  const run = await faultyRun(Math.round(10_000 * scale));
  for (const [name, value] of Object.entries(run)) console.log(`${name}: ${JSON.stringify(value)}`);
  const inTime = run.slowestMs <= DEADLINE_MS + SLACK_MS && run.openedAfterMs <= 5000;
  console.log(`within deadline (+${SLACK_MS} ms) and open within 5 s: ${inTime}`);
  if (!inTime || run.exact < run.posts) process.exitCode = 1;
  return { bench: "llm-faults", ratio: run.exact / run.posts, wanted: 1, inTime, deadlineMs: DEADLINE_MS, ...run };
};
export default bench;
