import { type ChatReason, chatReason, type Outcome, pass } from "starling-ner";

export const reasonOf = (error: unknown): ChatReason => chatReason(error) ?? "llm_error";

/** The post goes on, and its event says what it lacks. */
export const without = (reason: ChatReason): Outcome<never> => pass(reason, true);
