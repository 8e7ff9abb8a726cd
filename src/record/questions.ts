import { fingerprintOf } from "../chat/fingerprint.ts";
import { isA } from "../chat/kinds.ts";
import type { Chat, ChatAnswer, ChatRequest } from "../chat.ts";
import { Fault } from "../errors.ts";
import { type Asked, affordable, createAsked, putDown, roomOf, worstOf } from "./asked.ts";
import type { BatchLog, OpenBatch } from "./batch-log.ts";
import { carryOut, type Told } from "./carry-out.ts";
import { createKnown } from "./known.ts";
import type { Meter } from "./meter.ts";
import { markWaiting, whenUnread } from "./waiting.ts";

/** `always` refuses a model without batches; `auto` asks it one by one. */
export type BatchMode = "always" | "auto";

export interface BatchOptions {
  readonly mode: BatchMode;
  readonly log: BatchLog;
  /** Requests of one batch at most; the server's own limit counts too. */
  readonly size?: number | undefined;
  readonly told: Told;
}

type Ask = Chat["ask"];

/** Batches in a row that a budget may refuse: others spend from it too. */
const REFUSALS = 3;

/**
 * Questions that stages ask and batches answer. A question whose answer is known gets it; any other one is put down for the next
 * batch, and CHAT_BATCHED is thrown.
 */
export interface Questions {
  /** What stands for the model's own `ask`; `resource` is the config's name of it. Throws CHAT_NO_BATCHES. */
  of(resource: string, chat: Chat, direct: Ask): Batched;
  /** Whether questions wait since `answer` was called last, or batches of an earlier run. */
  readonly waiting: boolean;
  /** Grows whenever answers have come that no stage has been told. */
  readonly arrivals: number;
  /** Waits for one batch: one that is under way, or else a new one of what waits for a model. */
  answer(signal: AbortSignal): Promise<void>;
  /** From now on nothing is sent and nothing put down: what is known is told, and all else waits for another run. */
  close(): void;
}

/** `settled`: it will not be asked again, for it is under way, or failed for good. */
export type Look = (request: ChatRequest) => ChatAnswer | "settled" | undefined;

export interface Batched {
  readonly ask: Ask;
  /** What is known of a question without asking it. */
  readonly look: Look;
}

export function createQuestions(meter: Meter, options: BatchOptions): Questions {
  const { log, mode, told } = options;
  const all: Asked[] = [];
  let waiting = false;
  let closed = false;
  let arrivals = log.results.size > 0 ? 1 : 0;
  const known = createKnown(log);
  const underWay = () => new Set(log.open().flatMap(({ keys }) => keys));
  /** Questions in batches that an earlier run began. */
  let outstanding = underWay();

  const overBudget = ({ chat: { model } }: Asked, usd: number, left: number): Fault => {
    meter.lastFault = new Fault("CHAT_OVER_BUDGET", { model, usd, leftUsd: Math.max(0, left) });
    return meter.lastFault;
  };

  /** One by one, as without batches. */
  const alone =
    (direct: Ask, model: string): Ask =>
    (request, signal) =>
      closed ? Promise.reject(new Fault("CHAT_BATCHED", { model })) : direct(request, signal);

  const noted = (asked: Asked, key: string, request: ChatRequest): void => {
    if (outstanding.has(key)) asked.away.set(key, request);
    else if (!putDown(asked, key, request, options.size) && asked.next.size === 0 && outstanding.size === 0) {
      // What is put aside for a batch is set right when it has ended, and then there may be room; but there is none.
      markWaiting("budget");
      throw overBudget(asked, worstOf(asked, request), roomOf(asked));
    }
  };

  const sent = async (asked: Asked, signal: AbortSignal): Promise<void> => {
    const requests = affordable(asked, roomOf(asked));
    try {
      if (requests.size === 0) return;
      await carryOut({ ...asked, requests, log, told, signal });
      meter.requests += requests.size;
      asked.refused = 0;
    } catch (error) {
      // Somebody else has spent meanwhile: the next round sees what is left, and takes fewer.
      if (isA(error, "CHAT_OVER_BUDGET") && ++asked.refused < REFUSALS) return;
      if (mode !== "auto" || !isA(error, "CHAT_NO_BATCHES")) throw error;
      told.say(`${error.message.split(";")[0]}: asking one by one, at the full price`);
      asked.single = true;
    } finally {
      asked.next.clear();
      Object.assign(asked, { bytes: 0, worstUsd: 0 });
    }
  };

  return {
    of(resource, chat, direct) {
      const { batches, model } = chat;
      if (batches === undefined) {
        if (mode === "always") throw new Fault("CHAT_NO_BATCHES", { model, reason: "its plugin knows none" });
        return { ask: alone(direct, model), look: (request) => chat.known?.(request) };
      }
      const asked = createAsked(resource, chat, batches);
      all.push(asked);
      const look: Look = (request) => {
        const key = fingerprintOf(chat, request);
        const came = known.look(chat, key, request);
        return came instanceof Error || (came === undefined && outstanding.has(key)) ? "settled" : came;
      };
      const ask: Ask = async (request, signal) => {
        const key = fingerprintOf(chat, request);
        const came = known.take(chat, key, request);
        if (came instanceof Error) {
          meter.lastFault = came;
          throw came;
        }
        if (came !== undefined) {
          if (log.results.has(key)) whenUnread(() => log.unread(key));
          return came;
        }
        if (asked.single) return alone(direct, model)(request, signal);
        if (!closed) noted(asked, key, request);
        waiting = true;
        markWaiting("batched");
        throw new Fault("CHAT_BATCHED", { model });
      };
      return { ask, look };
    },
    get waiting() {
      return waiting || log.open().length > 0;
    },
    get arrivals() {
      return arrivals;
    },
    close() {
      closed = true;
    },
    async answer(signal) {
      waiting = false;
      const [open] = log.open();
      const asked = all.find(({ next }) => next.size > 0);
      if (open !== undefined) await resume(open, signal);
      else if (asked !== undefined) await sent(asked, signal);
      arrivals++;
    },
  };

  /** Goes on with a batch that an earlier run began. */
  async function resume(open: OpenBatch, signal: AbortSignal): Promise<void> {
    const { model, resource = "" } = open;
    const asked = all.find((one) => one.chat.model === model && (resource === "" || one.resource === resource));
    if (asked === undefined)
      throw new Fault("USAGE", {
        what: `${log.file} remembers a batch of ${model}${resource && `, begun by the resource "${resource}"`}, which no stage of the config asks`,
        help: "take the config that it was begun with, or delete the file to give the batch up: it is paid for all the same",
      });
    const keys = new Set(open.keys);
    const requests = new Map([...asked.away].filter(([key]) => keys.has(key)));
    const began = await carryOut({ ...asked, requests, log, told, signal, open });
    if (began) meter.requests += open.keys.length;
    outstanding = underWay();
    for (const key of requests.keys()) asked.away.delete(key);
  }
}
