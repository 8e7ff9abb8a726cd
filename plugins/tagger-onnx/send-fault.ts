import { Fault, type FaultCode, isFault } from "starling-ner/faults";
import type { SentFault } from "./messages.ts";

/** An error as plain values, since classes do not cross a process border. */
export const sendFault = (error: unknown): SentFault =>
  isFault(error)
    ? { code: error.code, details: error.details, message: error.message }
    : { code: undefined, details: undefined, message: error instanceof Error ? error.message : String(error) };

/** A fault of another process or thread becomes one of this one. */
export const receiveFault = ({ code, details, message }: SentFault): Error =>
  code === undefined ? new Error(message) : new Fault(code as FaultCode, details as never);
