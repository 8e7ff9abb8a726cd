import type { Fault } from "./errors.ts";
import { definePort } from "./plugin.ts";

/** An image shown to a model: the bytes of a file, checked and scaled before. */
export interface ChatImage {
  readonly bytes: Uint8Array;
  readonly type: "image/png" | "image/jpeg" | "image/webp";
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly text: string;
  /** Only where `Chat.takesImages`. */
  readonly images?: readonly ChatImage[];
}

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  /** Tokens of the answer, at most; with it the worst cost of a call is known before it is sent. */
  readonly maxTokens: number;
  /** 0 by default. */
  readonly temperature?: number;
  /** The shape an answer should have, where the server can hold it to one; others leave it out. */
  readonly schema?: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> };
  /** When the answer is of no use any more, in milliseconds on the clock of `performance.now()`. */
  readonly deadline?: number;
}

export interface ChatUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface ChatAnswer {
  readonly text: string;
  /** Whether the server held the answer to the schema of the request. */
  readonly structured: boolean;
  /** Why the model stopped; `refusal` where it declined to answer. */
  readonly finish: "stop" | "length" | "refusal";
  readonly usage: ChatUsage;
  /** What the call cost, in US dollars; 0 where the answer came from a cache, or no price is known. */
  readonly usd: number;
  /** From a cache: nothing was sent. */
  readonly cached?: boolean;
}

/** What a model costs, in US dollars for a million tokens. */
export interface ChatPrice {
  readonly inputUsd: number;
  readonly outputUsd: number;
  /** Tokens that one image is charged as, at most. */
  readonly imageTokens: number;
}

/** How a batch stands; `reason` says why it failed, where the server tells. */
export interface ChatBatchState {
  readonly status: "waiting" | "completed" | "expired" | "cancelled" | "failed";
  readonly reason: string;
  /** Requests that were answered, or failed, so far. */
  readonly done: number;
  readonly total: number;
}

/** A batch by the name that the caller gave it, and by the server's own. */
export interface ChatBatchId {
  readonly name: string;
  readonly id: string;
  /** How many requests it has, where the caller knows: with it a guard sees answers that were lost on their way. */
  readonly size?: number;
}

/**
 * Many requests handed over at once, to be answered within a day for less. Every function throws the faults of `ask`; trying
 * again is the caller's. Keys are at most 64 characters of ASCII.
 */
export interface ChatBatches {
  /** Of a request in a batch; absent where it is not known. */
  readonly price?: ChatPrice;
  /** What one batch takes at most. */
  readonly maxRequests: number;
  readonly maxBytes: number;
  /** What a request adds to `maxBytes`. */
  bytesOf(request: ChatRequest): number;
  /** Of a guard: what may be put aside now, in US dollars. */
  leftUsd?(): number;
  /**
   * Hands requests over by key, under a name that no other batch has; answers the server's name of it. Throws CHAT_NO_BATCHES
   * where the server has none, and of a guard CHAT_OVER_BUDGET.
   */
  begin(name: string, requests: ReadonlyMap<string, ChatRequest>, signal: AbortSignal): Promise<string>;
  /** Of a guard: gives back what is put aside for a batch that surely never began. */
  forget?(name: string): void;
  /**
   * The server's name of a batch whose beginning was cut off before it could tell; undefined where the server has none of that
   * name yet. Throws CHAT_BATCH_UNKNOWN where it has too many to tell.
   */
  find(name: string, signal: AbortSignal): Promise<string | undefined>;
  look(batch: ChatBatchId, signal: AbortSignal): Promise<ChatBatchState>;
  /** What came of a batch that has ended, by key; `requests` are those that are still known. Keys may be missing. */
  fetch(
    batch: ChatBatchId,
    requests: ReadonlyMap<string, ChatRequest>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ChatAnswer | Fault>>;
}

/**
 * Fills the port `chat@1`: a language model that answers one conversation. Adapters send once and never retry;
 * `chat-guard` wraps any of them with retries, limits, a breaker, a budget and a cache.
 */
export interface Chat {
  /** Provider and model, such as `openai/gpt-4o-mini`: with the request, all that shapes an answer. */
  readonly model: string;
  /** What else shapes its answers, such as options of its adapter, as one text; part of a cache's key. */
  readonly settings?: string;
  /** Absent where it is not known; zeros where a model costs nothing. A daily budget needs it. */
  readonly price?: ChatPrice;
  readonly takesImages: boolean;
  /** Whether retries, limits and a budget stand in front of it. */
  readonly guarded: boolean;
  /**
   * Answers the request, or throws a fault: CHAT_BUSY, CHAT_UNREACHABLE, CHAT_FAILED, CHAT_GARBLED (trying again may
   * help), CHAT_REFUSED (it cannot), CHAT_TIMEOUT, and of a guard CHAT_CIRCUIT_OPEN and CHAT_OVER_BUDGET.
   */
  ask(request: ChatRequest, signal: AbortSignal): Promise<ChatAnswer>;
  /** Of a guard: the answer that it has already, for nothing. */
  known?(request: ChatRequest): ChatAnswer | undefined;
  /** Absent where no batches can be had. */
  readonly batches?: ChatBatches;
}

export const chat = definePort<Chat>("chat@1");
