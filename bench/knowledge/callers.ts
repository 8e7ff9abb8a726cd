import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { testHost } from "starling-ner/testing";
import chatGuard from "../../plugins/chat-guard/index.ts";
import chatOpenai from "../../plugins/chat-openai/index.ts";

export interface Caller {
  /** Asks about post number `i`; no two posts are alike, so no cache answers. */
  call(i: number): Promise<void>;
  close(): Promise<void>;
}

const MAX_TOKENS = 200;
const task = "Name the people, places and organisations in the post, and say why. ".repeat(20);
const postOf = (i: number) => `${task}\nPost ${i}: Ada Lovelace met Charles Babbage in London, says number ${i}.`;

/** The SDK and nothing else. */
export function openBare(baseURL: string): Caller {
  const openai = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
  return {
    async call(i) {
      const messages = [{ role: "user" as const, content: postOf(i) }];
      await openai.chat.completions.create({
        model: "slow",
        messages,
        max_completion_tokens: MAX_TOKENS,
        temperature: 0,
      });
    },
    close: async () => {},
  };
}

/** chat-guard before chat-openai, with all that it has: a budget and answers in files, limits that are never reached. */
export async function openGuarded(baseURL: string): Promise<Caller> {
  const folder = await mkdtemp(join(tmpdir(), "starling-bench-"));
  const price = { inputUsd: 0.15, outputUsd: 0.6 };
  const inner = await chatOpenai.open(chatOpenai.options.parse({ model: "slow", baseURL, price }), testHost());
  const settings = chatGuard.options.parse({
    chat: "inner",
    requestsPerMinute: 1e9,
    tokensPerMinute: 1e12,
    budget: { usdPerDay: 1000, file: join(folder, "budget.db") },
    cache: { file: join(folder, "answers.db") },
  });
  const chat = await chatGuard.open(settings, testHost({ inner }));
  const never = new AbortController().signal;
  return {
    async call(i) {
      const messages = [{ role: "user" as const, text: postOf(i) }];
      await chat.ask({ messages, maxTokens: MAX_TOKENS, deadline: performance.now() + 10_000 }, never);
    },
    async close() {
      await chat.close?.();
      await inner.close?.();
      await rm(folder, { recursive: true });
    },
  };
}
