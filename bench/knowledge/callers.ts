import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import type { Bank, Chat, ChatRequest } from "starling-ner";
import { testHost } from "starling-ner/testing";
import bankFile from "../../plugins/bank-file/index.ts";
import chatGuard from "../../plugins/chat-guard/index.ts";
import chatOpenai from "../../plugins/chat-openai/index.ts";
import knowledgeChat from "../../plugins/knowledge-chat/index.ts";

export interface Caller {
  /** Asks about post number `i`; no two posts are alike, so nothing is answered from a cache. */
  call(i: number): Promise<void>;
  close(): Promise<void>;
}

const never = new AbortController().signal;
const bankPath = fileURLToPath(new URL("../../banks/default.ndjson", import.meta.url));
const openBank = (): Promise<Bank> => bankFile.open({ path: bankPath }, testHost());

/** Stands for the number of a post in the request that is taken from the stage. */
const NUMBER = "qznumberqz";
const postOf = (i: number | string) => ({ id: String(i), text: `Number${i} says that Ada Lovelace met him in London` });
const viewOf = (i: number | string, bank: Bank) => ({
  post: postOf(i),
  facts: { neighbours: bank.demonstrations.slice(0, 5).map(({ id }) => ({ id, similarity: 0.9 })) },
});

/** The SDK and nothing else, with the very conversation that the stage would send. */
export async function openBare(baseURL: string): Promise<Caller> {
  const openai = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
  const request = await requestOfStage();
  const messages = JSON.stringify(request.messages.map(({ role, text }) => ({ role, content: text })));
  const response_format = { type: "json_schema" as const, json_schema: { ...request.schema!, strict: true } };
  return {
    async call(i) {
      const body = { model: "slow", max_completion_tokens: request.maxTokens, temperature: 0, response_format };
      await openai.chat.completions.create({ ...body, messages: JSON.parse(messages.replaceAll(NUMBER, String(i))) });
    },
    close: async () => {},
  };
}

async function requestOfStage(): Promise<ChatRequest> {
  const asked: ChatRequest[] = [];
  const ask: Chat["ask"] = (request) => {
    asked.push(request);
    return Promise.reject(new Error("nobody answers"));
  };
  const llm: Chat = { model: "test/m", takesImages: false, guarded: true, ask };
  const bank = await openBank();
  const stage = await knowledgeChat.open(knowledgeChat.options.parse({}), testHost({ llm, bank }));
  await stage.run([viewOf(NUMBER, bank)], never).catch(() => []);
  return asked[0] ?? Promise.reject(new Error("the stage asked nothing"));
}

/** `knowledge-chat` on `chat-guard` on `chat-openai`, with a budget and answers in files, and limits that are never reached. */
export async function openStage(baseURL: string): Promise<Caller> {
  const folder = await mkdtemp(join(tmpdir(), "starling-bench-"));
  const price = { inputUsd: 0.15, outputUsd: 0.6 };
  const openai = await chatOpenai.open(chatOpenai.options.parse({ model: "slow", baseURL, price }), testHost());
  const settings = chatGuard.options.parse({
    chat: "openai",
    requestsPerMinute: 1e9,
    tokensPerMinute: 1e12,
    budget: { usdPerDay: 1000, file: join(folder, "budget.db") },
    cache: { file: join(folder, "answers.db") },
  });
  const llm = await chatGuard.open(settings, testHost({ openai }));
  const bank = await openBank();
  const stage = await knowledgeChat.open(knowledgeChat.options.parse({}), testHost({ llm, bank }));
  return {
    async call(i) {
      const view = viewOf(i, bank);
      const [outcome] = stage.quick?.(view) === undefined ? await stage.run([view], never) : [];
      if (outcome?.kind !== "ok") throw new Error(`post ${i} was not asked about: ${JSON.stringify(outcome)}`);
    },
    async close() {
      await llm.close?.();
      await openai.close?.();
      await rm(folder, { recursive: true });
    },
  };
}
