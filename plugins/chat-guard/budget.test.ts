import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { completion, sendJson, startServer } from "../chat-openai/server.test-help.ts";

const USD = 1;
const price = { inputUsd: 0.5, outputUsd: 10, imageTokens: 0 };
/** A call costs this at most: some 310 tokens in, 100 out. */
const WORST_USD = (310 * price.inputUsd + 100 * price.outputUsd) / 1e6;
const CONCURRENCY = 64;
const MINUTES = 60_000;

let folder: string;
let server: Awaited<ReturnType<typeof startBilling>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-spend-"));
  server = await startBilling();
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/**
 * A server that bills every request it has read, whether or not its answer still finds anyone: as dear as the request
 * allows, or cheaper. Of a hundred requests it fails ten, free of charge, and hangs up on five that it bills.
 */
async function startBilling() {
  let usd = 0;
  let calls = 0;
  const billing = await startServer((response, { body }) => {
    const kind = calls++ % 20;
    if (kind < 2) return sendJson(response, { error: { message: "down" } }, 500);
    const characters = JSON.stringify(body.messages).length;
    const output = kind % 2 === 0 ? (body.max_completion_tokens as number) : 30;
    const usage = { prompt_tokens: characters, completion_tokens: output, total_tokens: characters + output };
    usd += (usage.prompt_tokens * price.inputUsd + usage.completion_tokens * price.outputUsd) / 1e6;
    if (kind === 2) return response.destroy();
    setTimeout(() => sendJson(response, completion("yes", { usage })), 20 + (calls % 7) * 5);
  });
  return {
    url: billing.url,
    close: billing.close,
    get usd() {
      return usd;
    },
    get calls() {
      return calls;
    },
  };
}

function startSpender(usdPerDay = USD): ChildProcess {
  const script = join(import.meta.dirname, "spender.test-help.ts");
  const args = [server.url, join(folder, "budget.db"), String(usdPerDay), JSON.stringify(price)];
  return spawn(process.execPath, ["--conditions=source", script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

async function endsOf(child: ChildProcess): Promise<Record<string, number>> {
  const [said, [code]] = await Promise.all([text(child.stdout!), once(child, "exit")]);
  expect(code).toBe(0);
  return JSON.parse(said);
}

/** Waits until the server has been asked `calls` times more, then kills the process, whatever it is doing. */
async function killAfter(child: ChildProcess, calls: number): Promise<void> {
  const enough = server.calls + calls;
  const gone = once(child, "exit");
  while (server.calls < enough && child.exitCode === null) await new Promise((next) => setTimeout(next, 1));
  child.kill("SIGKILL");
  expect((await gone)[1]).toBe("SIGKILL");
}

test(
  "a budget is never exceeded by 64 calls at once, whatever five crashes tear off",
  async () => {
    for (const calls of [70, 130, 90, 64, 101]) await killAfter(startSpender(), calls);
    expect(server.usd, "there is something left to spend after the crashes").toBeLessThan(USD);
    const ends = await endsOf(startSpender());
    console.log(
      `billed ${server.usd.toFixed(4)} of ${USD} USD in ${server.calls} calls; the last process: ${JSON.stringify(ends)}`,
    );
    expect(ends.CHAT_OVER_BUDGET).toBeGreaterThan(0);
    expect(ends.answered).toBeGreaterThan(0);
    expect(server.usd).toBeLessThanOrEqual(USD);
    // Nor is it left unused: each crash costs what was under way, and calls that were hung up on count in full.
    expect(server.usd).toBeGreaterThan(USD - 6 * CONCURRENCY * WORST_USD - 0.1);
  },
  2 * MINUTES,
);

test(
  "four processes share one budget at the same time",
  async () => {
    const ends = await Promise.all([1, 2, 3, 4].map(() => endsOf(startSpender())));
    expect(server.usd).toBeLessThanOrEqual(USD);
    expect(server.usd).toBeGreaterThan(USD * 0.85);
    for (const { CHAT_OVER_BUDGET } of ends) expect(CHAT_OVER_BUDGET).toBeGreaterThan(0);
  },
  2 * MINUTES,
);
