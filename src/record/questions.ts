import { worstUsd } from "../chat/cost.ts";
import { fingerprintOf } from "../chat/fingerprint.ts";
import { isA, isPassing } from "../chat/kinds.ts";
import type { Chat, ChatAnswer, ChatBatches, ChatRequest } from "../chat.ts";
import { Fault } from "../errors.ts";
import type { BatchLog, OpenBatch } from "./batch-log.ts";
import { carryOut, type Told } from "./carry-out.ts";
import type { Meter } from "./meter.ts";
import { markWaiting } from "./waiting.ts";

/** `always` refuses a model without batches; `auto` asks it one by one. */
export type BatchMode = "always" | "auto";

export interface BatchOptions {
  readonly mode: BatchMode;
  readonly log: BatchLog;
  /** Requests of one batch at most; the server's own limit counts too. */
  readonly size?: number | undefined;
  /** What may be spent in all, in US dollars: nothing is sent that might cost more. */
  readonly maxUsd?: number | undefined;
  readonly told: Told;
}

type Ask = Chat["ask"];

/** Batches that a question is asked in at most. */
const TIMES = 3;

/**
 * Questions that stages ask and batches answer. A question whose answer is known gets it; any other one is put down for the next
 * batch, and CHAT_BATCHED is thrown.
 */
export interface Questions {
  /** What stands for the model's own `ask`. Throws CHAT_NO_BATCHES. */
  of(chat: Chat, direct: Ask): Ask;
  /** Whether questions wait since `answer` was called last. */
  readonly waiting: boolean;
  /** Waits for the batches that are under way, then sends what waits and waits for that. */
  answer(signal: AbortSignal): Promise<void>;
}

/** The questions to one model. */
interface Asked {
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
}

export function createQuestions(meter: Meter, options: BatchOptions): Questions {
  const { log, mode, told } = options;
  const all: Asked[] = [];
  let waiting = false;
  /** Answers that somebody has had: whoever asks the same gets them for nothing. */
  const used = new Set<string>();
  /** Questions in batches that an earlier run began. */
  let outstanding = new Set(log.open().flatMap(({ keys }) => keys));

  /** What more may be put aside, in US dollars. */
  const room = ({ batches }: Asked): number =>
    Math.min(batches.leftUsd?.() ?? Number.POSITIVE_INFINITY, (options.maxUsd ?? Number.POSITIVE_INFINITY) - meter.usd);

  /** Puts a question down, unless the next batch is full: then it comes to the one after. */
  const put = (asked: Asked, key: string, request: ChatRequest): void => {
    const { batches, next, chat } = asked;
    if (next.has(key)) return;
    const bytes = batches.bytesOf(request);
    const price = batches.price ?? chat.price;
    const usd = price === undefined ? 0 : worstUsd(request, price);
    const left = room(asked);
    if (asked.worstUsd + usd >= left) {
      // What is put aside for this batch is set right when it has ended; then there may be room.
      if (next.size > 0) return;
      meter.lastFault = new Fault("CHAT_OVER_BUDGET", { model: chat.model, usd, leftUsd: Math.max(0, left) });
      throw meter.lastFault;
    }
    const full = next.size >= Math.min(batches.maxRequests, options.size ?? batches.maxRequests);
    if (full || (next.size > 0 && asked.bytes + bytes > batches.maxBytes)) return;
    next.set(key, request);
    asked.bytes += bytes;
    asked.worstUsd += usd;
  };

  const known = (asked: Asked, key: string, request: ChatRequest): ChatAnswer | undefined => {
    const result = log.results.get(key);
    if (result === undefined) return asked.batches.known?.(request);
    const { came, times } = result;
    if (!(came instanceof Error)) {
      const again = used.has(key);
      used.add(key);
      return again ? { ...came, usd: 0, cached: true } : came;
    }
    if (times < TIMES && mayComeYet(came)) return undefined;
    meter.lastFault = came;
    throw came;
  };

  /** One by one, as without batches; --max-usd is kept here too. */
  const alone =
    (direct: Ask, model: string): Ask =>
    async (request, signal) => {
      if (meter.usd < (options.maxUsd ?? Number.POSITIVE_INFINITY)) return direct(request, signal);
      meter.lastFault = new Fault("CHAT_OVER_BUDGET", { model, usd: 0, leftUsd: 0 });
      throw meter.lastFault;
    };

  const noted = (asked: Asked, key: string, request: ChatRequest): void => {
    if (outstanding.has(key)) asked.away.set(key, request);
    else put(asked, key, request);
  };

  const sent = async (asked: Asked, signal: AbortSignal): Promise<void> => {
    try {
      await carryOut({ ...asked, requests: asked.next, log, told, signal });
      meter.requests += asked.next.size;
    } catch (error) {
      if (mode !== "auto" || !isA(error, "CHAT_NO_BATCHES")) throw error;
      told.say(`${error.message.split(";")[0]}: asking one by one, at the full price`);
      asked.single = true;
    } finally {
      asked.next.clear();
      Object.assign(asked, { bytes: 0, worstUsd: 0 });
    }
  };

  return {
    of(chat, direct) {
      const { batches, model } = chat;
      if (batches === undefined) {
        if (mode === "always") throw new Fault("CHAT_NO_BATCHES", { model, reason: "its plugin knows none" });
        return alone(direct, model);
      }
      const asked: Asked = { chat, batches, next: new Map(), away: new Map(), bytes: 0, worstUsd: 0, single: false };
      all.push(asked);
      return async (request, signal) => {
        const key = fingerprintOf(chat, request);
        const answer = known(asked, key, request);
        if (answer !== undefined) return answer;
        if (asked.single) return alone(direct, model)(request, signal);
        noted(asked, key, request);
        waiting = true;
        markWaiting();
        throw new Fault("CHAT_BATCHED", { model });
      };
    },
    get waiting() {
      return waiting;
    },
    async answer(signal) {
      waiting = false;
      for (const batch of log.open()) await resume(batch, signal);
      outstanding = new Set();
      for (const asked of all) if (asked.next.size > 0) await sent(asked, signal);
    },
  };

  /** Goes on with a batch that an earlier run began. */
  async function resume(open: OpenBatch, signal: AbortSignal): Promise<void> {
    const asked = all.find(({ chat }) => chat.model === open.model);
    if (asked === undefined)
      throw new Fault("USAGE", {
        what: `${log.file} remembers a batch of ${open.model}, which no stage of the config asks`,
        help: `take the config that it was begun with, or delete the file to give the batch up`,
      });
    await carryOut({ ...asked, requests: asked.away, log, told, signal, open });
    meter.requests += open.keys.length;
    asked.away.clear();
  }
}

/** Whether another batch may bring what this one did not. */
const mayComeYet = (fault: Fault): boolean =>
  isPassing(fault) || (isA(fault, "CHAT_BATCH_ENDED") && fault.details.status === "expired");
