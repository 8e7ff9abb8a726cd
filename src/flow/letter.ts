import type { Output } from "../plugin.ts";
import type { Transit } from "./transit.ts";

/** A record on its way out. */
export interface Letter extends Output {
  readonly transit: Transit;
  /** The last record of its post. */
  readonly final: boolean;
}

export const isDead = ({ record }: Output): boolean => record.schema === "starling.dead-letter/1";

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
  /** Whether so many records are few beside the posts that are under way. */
  few(letters: number): boolean;
  rested(): void;
}

/** Where posts leave: sinks that write each for itself, or transactions of the source's log. */
export interface Exits {
  /** An event, or a dead letter. */
  push(letter: Letter): void;
  pass(transit: Transit): void;
  readonly idle: boolean;
}
