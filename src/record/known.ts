import { isA, isPassing } from "../chat/kinds.ts";
import type { Chat, ChatAnswer, ChatRequest } from "../chat.ts";
import type { Fault } from "../errors.ts";
import type { BatchLog } from "./batch-log.ts";

/** Batches that a question is asked in at most. */
const TIMES = 3;

/** What is known of questions without asking them. */
export interface Known {
  /** The answer, or why there will be none; undefined where it is to be asked, once more perhaps. */
  look(chat: Chat, key: string, request: ChatRequest): ChatAnswer | Fault | undefined;
  /** The same, to be told to a stage: whoever asks for what another one has had pays nothing. */
  take(chat: Chat, key: string, request: ChatRequest): ChatAnswer | Fault | undefined;
}

export function createKnown({ results }: Pick<BatchLog, "results">): Known {
  const taken = new Set<string>();
  const look: Known["look"] = (chat, key, request) => {
    const result = results.get(key);
    if (result === undefined) return chat.known?.(request);
    const { came, times } = result;
    return came instanceof Error && times < TIMES && mayComeYet(came) ? undefined : came;
  };
  return {
    look,
    take(chat, key, request) {
      const came = look(chat, key, request);
      if (came === undefined || came instanceof Error || !results.has(key)) return came;
      if (taken.has(key)) return { ...came, usd: 0, cached: true };
      taken.add(key);
      return came;
    },
  };
}

/** Whether another batch may bring what this one did not. */
const mayComeYet = (fault: Fault): boolean =>
  isPassing(fault) || (isA(fault, "CHAT_BATCH_ENDED") && fault.details.status === "expired");
