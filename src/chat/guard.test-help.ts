import type { Chat, ChatAnswer, ChatBatches, ChatRequest } from "../chat.ts";
import { type Measured, testHost } from "../testing/host.ts";
import { guardChat } from "./guard.ts";
import type { GuardedChat, GuardOptions, Told } from "./options.ts";

export const question: ChatRequest = { messages: [{ role: "user", text: "Who is it?" }], maxTokens: 100 };
export const never = new AbortController().signal;
export const yes: ChatAnswer = {
  text: "yes",
  structured: false,
  finish: "stop",
  usage: { inputTokens: 100, outputTokens: 10 },
  usd: 0.001,
};

export type Ask = (request: ChatRequest, signal: AbortSignal, call: number) => Promise<ChatAnswer>;

/** A chat that answers as it is told, and keeps what it was asked. */
export function scriptedChat(ask: Ask = async () => yes, more: Partial<Chat> = {}) {
  const asked: { readonly request: ChatRequest; readonly at: number }[] = [];
  const chat: Chat = {
    model: "test/m",
    takesImages: false,
    guarded: false,
    ask: (request, signal) => {
      asked.push({ request, at: performance.now() });
      return ask(request, signal, asked.length);
    },
    ...more,
  };
  return { chat, asked };
}

/** Batches of the two requests `a` and `b`, each of which ends at once and was run whole. */
export const scriptedBatches = (more: Partial<ChatBatches> = {}): ChatBatches => ({
  maxRequests: 10,
  maxBytes: 1000,
  bytesOf: () => 1,
  begin: async () => "batch_1",
  find: async () => undefined,
  look: async () => ({ status: "completed", reason: "", done: 2, total: 2 }),
  fetch: async () =>
    new Map([
      ["a", yes],
      ["b", yes],
    ]),
  ...more,
});

/** Never answers; ends when it is aborted. */
export const silent: Ask = (_, signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

/** Answers after `ms`, unless it is aborted before. */
export const slow =
  (ms: number, answer = yes): Ask =>
  (_, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(answer), ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });

export const standard: GuardOptions = {
  timeoutMs: 30_000,
  attemptMs: 20_000,
  attempts: 3,
  backoffMs: 250,
  maxBackoffMs: 8000,
  concurrency: 64,
  circuit: { failures: 10, windowMs: 10_000, openMs: 10_000 },
  cache: { memoryMb: 0, maxAgeMs: 86_400_000, fileMb: 16 },
};

export interface Rig {
  readonly guard: GuardedChat;
  readonly counted: Map<string, number>;
  readonly warned: string[];
  /** The same with their fields. */
  readonly warnings: (readonly [string, unknown])[];
  readonly measured: readonly Measured[];
}

export function guarded(chat: Chat, options: Partial<GuardOptions> = {}): Rig {
  const counted = new Map<string, number>();
  const warned: string[] = [];
  const warnings: [string, unknown][] = [];
  const { measure, measured } = testHost();
  const told: Told = {
    measure,
    count: (name, by = 1) => void counted.set(name, (counted.get(name) ?? 0) + by),
    log: () => {},
    warn: (message, fields) => {
      warned.push(message);
      warnings.push([message, fields]);
    },
  };
  return { guard: guardChat(chat, { ...standard, ...options }, told), counted, warned, warnings, measured };
}

/** How a call ended, and after how many milliseconds. */
export async function ended(call: Promise<ChatAnswer>): Promise<{ readonly how: string; readonly afterMs: number }> {
  const from = performance.now();
  const how = await call.then(
    ({ text }) => text,
    (error) => (typeof error.code === "string" ? error.code : (error.name ?? String(error))),
  );
  return { how, afterMs: performance.now() - from };
}
