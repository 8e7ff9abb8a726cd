import { type Host, isFault, type Producer, sendPatiently } from "starling-ner";
import type { Held } from "./held.ts";
import type { Options } from "./options.ts";
import { retryRecord } from "./retry-topic.ts";

/** How long a write to the retry topic is tried again before the run ends, in milliseconds. */
const PATIENCE_MS = 300_000;

export interface Retries {
  /** True where the post will be delivered again. */
  take(post: Held): boolean;
  /** Delivers a post when its time has come. */
  later(post: Held, notBefore: number): void;
  close(): void;
}

export interface RetryContext {
  readonly retry: Options["retry"];
  /** Of the retry topic, where there is one. */
  readonly producer: Producer | undefined;
  again(post: Held): void;
  /** The post waits in the retry topic now. */
  moved(post: Held): void;
  failed(error: unknown): void;
  readonly log: Host["log"];
  /** Between 0 and 1; chance, but for tests. */
  readonly random?: () => number;
}

/** When and where a post is tried again that failed for a reason which may pass. */
export function createRetries({
  retry,
  producer,
  again,
  moved,
  failed,
  log,
  random = Math.random,
}: RetryContext): Retries {
  const timers = new Set<NodeJS.Timeout>();
  const closing = new AbortController();

  const later = (post: Held, notBefore: number) => {
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        if (post.tracker.live) again(post);
      },
      Math.max(0, notBefore - Date.now()),
    );
    timers.add(timer);
  };
  const stay = (post: Held, notBefore: number) => {
    post.attempt++;
    later(post, notBefore);
  };
  const move = async (to: Producer, post: Held, notBefore: number) => {
    const rules = { patienceMs: PATIENCE_MS, log };
    const signal = AbortSignal.any([closing.signal, post.tracker.fence.signal]);
    try {
      await sendPatiently(to, [retryRecord(retry.topic!, post, notBefore)], rules, signal);
      moved(post);
    } catch (error) {
      if (signal.aborted) return;
      if (!isFault(error) || error.code !== "LOG_RECORD_REFUSED") return failed(error);
      // What the retry topic needs beside the post may make it too large: it waits where it stands.
      log("the retry topic refused a post, which waits in its own place", {
        post: post.where(),
        reason: error.message,
      });
      stay(post, notBefore);
    }
  };

  return {
    take(post) {
      const now = Date.now();
      if (post.attempt >= retry.attempts || now - post.firstAt > retry.maxAgeMs) return false;
      const backoff = Math.min(retry.backoffMs * 2 ** (post.attempt - 1), retry.maxBackoffMs);
      // Up to a fifth sooner, so that what failed together does not come back together.
      const notBefore = now + backoff * (1 - 0.2 * random());
      if (producer === undefined) stay(post, notBefore);
      else void move(producer, post, notBefore);
      return true;
    },
    later,
    close() {
      closing.abort();
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
