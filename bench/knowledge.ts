/**
 * What the knowledge stage costs beyond the asking: `knowledge-chat`, `chat-guard` and `chat-openai` with all that they
 * have, against the openai SDK alone with the same conversations. Both keep 64 calls under way to a server that takes
 * 200 ms for each, in a process of its own, so that 320 calls per second are all there are. The sides take turns, after a
 * while to warm up, and each round has its ratio of calls per second: the middle one counts.
 * `npm run bench -- knowledge`
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Caller, openBare, openStage } from "./knowledge/callers.ts";
import { median } from "./support/posts.ts";

const WANTED = 0.95;
const UNDER_WAY = 64;
const ROUNDS = 9;
const ROUND_SECONDS = 3;
/** Until the code of both sides is compiled. */
const WARM_UP_SECONDS = 5;

export default async function ({ scale }: { scale: number }): Promise<Record<string, unknown>> {
  const server = await startServer();
  const sides = [
    { name: "openai SDK", caller: await openBare(server.url), rates: [] as number[] },
    { name: "knowledge-chat", caller: await openStage(server.url), rates: [] as number[] },
  ];
  try {
    for (const { caller } of sides) await callsPerSecond(caller, Math.max(1, WARM_UP_SECONDS * scale));
    for (let round = 0; round < ROUNDS; round++)
      for (const side of sides) side.rates.push(await callsPerSecond(side.caller, Math.max(1, ROUND_SECONDS * scale)));
    const [bare, stage] = sides.map(({ rates }) => rates) as [number[], number[]];
    for (const { name, rates } of sides) console.log(`${name}: ${rates.map(Math.round).join(", ")} calls per second`);
    return {
      bench: "knowledge",
      ratio: median(stage.map((rate, round) => rate / bare[round]!)),
      wanted: WANTED,
      callsPerSecond: median(stage),
      bareCallsPerSecond: median(bare),
      underWay: UNDER_WAY,
    };
  } finally {
    for (const { caller } of sides) await caller.close();
    server.end();
  }
}

let post = 0;

async function callsPerSecond(caller: Caller, seconds: number): Promise<number> {
  const from = performance.now();
  const until = from + seconds * 1000;
  let calls = 0;
  const work = async () => {
    while (performance.now() < until) {
      await caller.call(post++);
      calls++;
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, work));
  return (calls / (performance.now() - from)) * 1000;
}

async function startServer(): Promise<{ readonly url: string; end(): void }> {
  const script = fileURLToPath(new URL("./knowledge/server.ts", import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const [said] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  return { url: said.trim(), end: () => void child.stdin.end() };
}
