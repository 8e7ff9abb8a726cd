import { isFault } from "../errors.ts";
import { DENIES, isA } from "./kinds.ts";

/** Why a post goes on without what a language model was asked for; a fixed set, for it becomes a label of counts. */
export type ChatReason =
  | "batched"
  | "timeout"
  | "budget"
  | "circuit_open"
  | "rate_limited"
  | "denied"
  | "refused"
  | "llm_error"
  | "unreadable";

const reasons: Readonly<Partial<Record<string, ChatReason>>> = {
  CHAT_BATCHED: "batched",
  CHAT_BATCH_ENDED: "llm_error",
  CHAT_BUSY: "rate_limited",
  CHAT_CIRCUIT_OPEN: "circuit_open",
  CHAT_FAILED: "llm_error",
  CHAT_GARBLED: "llm_error",
  CHAT_OVER_BUDGET: "budget",
  CHAT_REFUSED: "refused",
  CHAT_TIMEOUT: "timeout",
  CHAT_UNREACHABLE: "llm_error",
};

/** The reason that a fault of `chat@1` becomes; undefined for any other error. `denied`: every other post would end so. */
export function chatReason(error: unknown): ChatReason | undefined {
  if (isA(error, "CHAT_REFUSED") && DENIES.has(error.details.status)) return "denied";
  return isFault(error) ? reasons[error.code] : undefined;
}
