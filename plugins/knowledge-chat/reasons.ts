import { type Fault, isFault, type Outcome, pass } from "starling-ner";

/** Why a post goes on without knowledge; a fixed set, for it becomes a label of counts. */
export type Reason =
  | "timeout"
  | "budget"
  | "circuit_open"
  | "rate_limited"
  | "denied"
  | "refused"
  | "llm_error"
  | "unreadable";

const ofCode: Readonly<Record<string, Reason>> = {
  CHAT_BUSY: "rate_limited",
  CHAT_CIRCUIT_OPEN: "circuit_open",
  CHAT_OVER_BUDGET: "budget",
  CHAT_REFUSED: "refused",
  CHAT_TIMEOUT: "timeout",
};

/** Key, money, permission or model are missing: every post would end so. */
const DENIES = new Set([401, 402, 403, 404]);

export function reasonOf(error: unknown): Reason {
  if (!isFault(error)) return "llm_error";
  if (error.code === "CHAT_REFUSED" && DENIES.has((error as Fault<"CHAT_REFUSED">).details.status)) return "denied";
  return ofCode[error.code] ?? "llm_error";
}

/** The post goes on, and its event says what it lacks. */
export const without = (reason: Reason): Outcome<never> => pass(reason, true);
