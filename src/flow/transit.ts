import { isFault } from "../errors.ts";
import type { Facts } from "../facts.ts";
import type { Delivery } from "../plugin.ts";
import type { Post } from "../schema/post.ts";
import type { Linked } from "./underway.ts";

export interface StageReason {
  readonly stage: string;
  readonly reason: string;
}

export interface Failure {
  /** The stage that failed; `source` or `sink` for the two ends. */
  readonly stage: string;
  readonly error: Error;
  readonly attempts: number;
}

/** A post on its way through the stages. Only the flow writes to it, and only while no stage works on the post. */
export interface Transit extends Linked<Transit> {
  readonly delivery: Delivery;
  readonly post: Post;
  /** On the clock of `performance.now()`. */
  readonly readAt: number;
  facts: Partial<Facts>;
  /** When the post came to the stage it is in. */
  arrivedAt: number;
  /** Milliseconds inside each stage passed so far, in order. */
  readonly stageMs: number[];
  passed: readonly StageReason[];
  degraded: readonly StageReason[];
  /** Set once: the post does no more stages. */
  failure: Failure | null;
  /** Revision 0 was sent. */
  drafted: boolean;
}

export type Chunk = readonly Transit[];

export const noFacts: Partial<Facts> = Object.freeze({});
const noReasons: readonly StageReason[] = Object.freeze([]);
/** Stands where the bytes could not be read as a post; it never reaches a stage or a sink. */
const unreadable: Post = Object.freeze({ id: "", text: "" });

/** Puts a delivered post on its way; a failed delivery is one that is already lost. */
export function depart(delivery: Delivery, now: number, drafted = false): Transit {
  const { post } = delivery;
  return {
    before: undefined,
    after: undefined,
    delivery,
    post: post.kind === "ok" ? post.value : unreadable,
    readAt: now,
    facts: noFacts,
    arrivedAt: now,
    stageMs: [],
    passed: noReasons,
    degraded: noReasons,
    failure: post.kind === "fail" ? { stage: "source", error: post.error, attempts: 1 } : null,
    drafted,
  };
}

/** The post does no more stages: it was lost, it is no longer ours, or there never was one. */
export const isOut = (transit: Transit): boolean =>
  transit.failure !== null || transit.delivery.post.kind !== "ok" || isRevoked(transit);

export const isRevoked = ({ delivery }: Transit): boolean => delivery.revoked?.aborted === true;

/** A short word of a bounded set for metrics and dead letters. */
export const codeOf = (error: Error): string => (isFault(error) ? error.code : "UNEXPECTED");

/** Whether trying again may help. */
export const isRetriable = (error: Error): boolean => isFault(error) && error.retry;

export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
