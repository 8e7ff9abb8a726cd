import RequestQueueClass from "kafkajs/src/network/requestQueue/index.js";

/** The part of the client's queue of requests that is mended here. */
export interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** Milliseconds between looks at requests that wait for others to be answered; the client's own number. */
const LOOK_MS = 10;

/**
 * After every answer the client sets a timer that looks for requests which wait, also where none does, and with a time
 * that lies before 1970: thousands of timers of one millisecond in a second, at rest. Now it is set only where a request
 * waits, and never for less than no time.
 */
export function mendTimers(): void {
  const queue = RequestQueueClass.prototype;
  if (typeof queue.scheduleCheckPendingRequests !== "function") throw new TypeError("kafkajs has no queue to mend");
  queue.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(this: RequestQueue) {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : LOOK_MS,
    );
  };
}
