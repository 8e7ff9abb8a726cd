import { isFault } from "starling-ner/faults";
import type { SentFault } from "./messages.ts";

/** An error as plain values, since classes do not cross a process border. */
export const sendFault = (error: unknown): SentFault =>
  isFault(error)
    ? { code: error.code, details: error.details, message: error.message }
    : { code: undefined, details: undefined, message: error instanceof Error ? error.message : String(error) };
