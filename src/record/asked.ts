import { batchPrice } from "../chat/batch-cost.ts";
import { worstUsd } from "../chat/cost.ts";
import type { Chat, ChatBatches, ChatRequest } from "../chat.ts";

/** The questions to one model. */
export interface Asked {
  readonly resource: string;
  readonly chat: Chat;
  readonly batches: ChatBatches;
  /** To go with the next batch, by key. */
  readonly next: Map<string, ChatRequest>;
  /** In a batch that is under way, by key. */
  readonly away: Map<string, ChatRequest>;
  bytes: number;
  worstUsd: number;
  /** The server turned out to have no batches. */
  single: boolean;
  /** Batches in a row that the budget refused though there seemed to be room. */
  refused: number;
}

export function createAsked(resource: string, chat: Chat, batches: ChatBatches): Asked {
  const own = { next: new Map(), away: new Map(), bytes: 0, worstUsd: 0, single: false, refused: 0 };
  return { resource, chat, batches, ...own };
}

/** What a question may cost in a batch, in US dollars; 0 where no price is known. */
export function worstOf({ batches, chat }: Asked, request: ChatRequest): number {
  const price = batchPrice(chat, batches);
  return price === undefined ? 0 : worstUsd(request, price);
}

/** What more may be put aside, in US dollars. */
export const roomOf = ({ batches }: Asked): number => batches.leftUsd?.() ?? Number.POSITIVE_INFINITY;

/**
 * Puts a question down, unless the next batch has `size` of them, or is full by the server's limits: then it comes to the one after. False
 * where the money does not reach for it too.
 */
export function putDown(asked: Asked, key: string, request: ChatRequest, size = Number.POSITIVE_INFINITY): boolean {
  const { batches, next } = asked;
  if (next.has(key)) return true;
  const usd = worstOf(asked, request);
  if (asked.worstUsd + usd >= roomOf(asked)) return false;
  const bytes = batches.bytesOf(request);
  const full = next.size >= Math.min(batches.maxRequests, size);
  if (full || (next.size > 0 && asked.bytes + bytes > batches.maxBytes)) return true;
  next.set(key, request);
  asked.bytes += bytes;
  asked.worstUsd += usd;
  return true;
}

/** What is put down and costs less than `leftUsd` at worst: since it was put down, other batches may have cost something. */
export function affordable(asked: Asked, leftUsd: number): ReadonlyMap<string, ChatRequest> {
  const fitting = new Map<string, ChatRequest>();
  let usd = 0;
  for (const [key, request] of asked.next) {
    const more = worstOf(asked, request);
    if (usd + more >= leftUsd) continue;
    usd += more;
    fitting.set(key, request);
  }
  return fitting;
}
