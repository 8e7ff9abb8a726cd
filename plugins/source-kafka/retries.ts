import type { Producer } from "starling-ner";
import type { Held } from "./held.ts";
import type { Options } from "./options.ts";
import { retryRecord } from "./retry-topic.ts";

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
  /** Between 0 and 1; chance, but for tests. */
  readonly random?: () => number;
}

/** When and where a post is tried again that failed for a reason which may pass. */
export function createRetries({ retry, producer, again, moved, failed, random = Math.random }: RetryContext): Retries {
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

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
  const move = (post: Held, notBefore: number) => {
    void producer!.send([retryRecord(retry.topic!, post, notBefore)]).then(
      () => moved(post),
      (error: unknown) => {
        if (!closed) failed(error);
      },
    );
  };

  return {
    take(post) {
      const now = Date.now();
      if (post.attempt >= retry.attempts || now - post.firstAt > retry.maxAgeMs) return false;
      const backoff = Math.min(retry.backoffMs * 2 ** (post.attempt - 1), retry.maxBackoffMs);
      // Up to a fifth sooner, so that what failed together does not come back together.
      const notBefore = now + backoff * (1 - 0.2 * random());
      if (producer !== undefined) move(post, notBefore);
      else {
        post.attempt++;
        later(post, notBefore);
      }
      return true;
    },
    later,
    close() {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
