import { shorter } from "../dead-letter.ts";
import { isFault } from "../errors.ts";
import type { Output } from "../plugin.ts";
import type { Transit } from "./transit.ts";

/** A record on its way out. */
export interface Letter extends Output {
  readonly transit: Transit;
  /** The last record of its post. */
  readonly final: boolean;
}

export const isDead = ({ record }: Output): boolean => record.schema === "starling.dead-letter/1";

/** What a sink says of a record that it would take if there were less in it. */
const tooMuch = new Set(["LOG_RECORD_TOO_LARGE", "LOG_RECORD_REFUSED"]);

/**
 * A dead letter that was refused, with less in it. Undefined where nothing more can be left out, or would help. A post whose
 * letter nobody takes ends every run that comes to it.
 */
export function shortened(letter: Letter, error: Error): Letter | undefined {
  const { record } = letter;
  if (record.schema !== "starling.dead-letter/1" || !isFault(error) || !tooMuch.has(error.code)) return undefined;
  const short = shorter(record);
  return short && { ...letter, record: short };
}

/** What becomes of records. */
export interface ExitEvents {
  /** These are durable. */
  written(letters: readonly Letter[]): void;
  /** The sink refused this event, and none else of its batch for it. */
  refused(letter: Letter, error: Error): void;
  /** A record that is no post, and no failure either, is done. */
  passed(transit: Transit): void;
  /** These are no longer ours. */
  revoked(posts: readonly Transit[]): void;
  failed(error: Error): void;
  /** Share of `Sink.gatherMs` that so many records may wait for others; 0 where they should not. */
  patience(letters: number): number;
  rested(): void;
}

/** Where posts leave: sinks that write each for itself, or transactions of the source's log. */
export interface Exits {
  /** An event, or a dead letter. */
  push(letter: Letter): void;
  pass(transit: Transit): void;
  readonly idle: boolean;
}
