/**
 * A process that asks as fast as it may, 64 calls at once, until its budget is spent; then it prints how often each
 * kind of end came. `node spender.test-help.ts URL BUDGET_FILE USD_PER_DAY PRICE`
 */
import { randomUUID } from "node:crypto";
import { isFault } from "starling-ner";
import { testHost } from "starling-ner/testing";
import openai from "../chat-openai/index.ts";
import guard from "./index.ts";

const CONCURRENCY = 64;
const [baseURL, file, usdPerDay, price] = process.argv.slice(2) as [string, string, string, string];

const inner = await openai.open(openai.options.parse({ model: "m", baseURL, price: JSON.parse(price) }), testHost());
const settings = guard.options.parse({
  chat: "inner",
  attempts: 2,
  backoffMs: 5,
  circuit: { failures: 1000 },
  budget: { usdPerDay: Number(usdPerDay), file },
});
const chat = await guard.open(settings, testHost({ inner }));
const ends: Record<string, number> = {};
let spent = false;

async function ask(): Promise<void> {
  while (!spent) {
    const text = `Who is ${randomUUID()}?`;
    const request = { messages: [{ role: "user" as const, text }], maxTokens: 100 };
    const end = await chat.ask(request, new AbortController().signal).then(
      () => "answered",
      (error: unknown) => (isFault(error) ? error.code : String(error)),
    );
    ends[end] = (ends[end] ?? 0) + 1;
    spent ||= end === "CHAT_OVER_BUDGET";
  }
}
await Promise.all(Array.from({ length: CONCURRENCY }, ask));
console.log(JSON.stringify(ends));
await chat.close?.();
await inner.close?.();
