export interface BatchLimits<T> {
  /** Items in a batch, at most. */
  readonly count: number;
  /** How long the first item waits for others, in milliseconds; 0 closes the batch with the chunk it came in. */
  readonly waitMs: number;
  /** A batch closes with the item that brings its summed cost to this limit. */
  readonly cost?: { readonly limit: number; readonly of: (item: T) => number };
}

export interface Batcher<T> {
  add(items: readonly T[]): void;
  /** Closes the batch being filled, if its time has come; called when somebody is free to take it. */
  offer(): void;
  /** Closes whatever is there. */
  flush(): void;
  /** Items in the batch being filled. */
  readonly size: number;
  /** Forgets what is there. */
  cancel(): void;
}

/**
 * Groups items into batches. A batch closes when it is full, or when its first item has waited long enough and `free()`
 * says that somebody can take it: while everybody is busy it goes on filling instead of queueing small batches.
 */
export function batched<T>(limits: BatchLimits<T>, free: () => boolean, close: (batch: T[]) => void): Batcher<T> {
  const { count, waitMs, cost } = limits;
  let batch: T[] = [];
  let spent = 0;
  let due = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const cancel = () => {
    clearTimeout(timer);
    timer = undefined;
    batch = [];
    spent = 0;
    due = false;
  };
  const flush = () => {
    const full = batch;
    cancel();
    if (full.length > 0) close(full);
  };
  const offer = () => {
    if (due && free()) flush();
  };
  const expire = () => {
    due = true;
    offer();
  };
  const push = (item: T) => {
    batch.push(item);
    if (cost !== undefined) spent += cost.of(item);
    if (batch.length >= count || (cost !== undefined && spent >= cost.limit)) flush();
  };

  return {
    add(items) {
      for (const item of items) push(item);
      if (batch.length === 0 || due) return;
      if (waitMs === 0) expire();
      else timer ??= setTimeout(expire, waitMs);
    },
    offer,
    flush,
    get size() {
      return batch.length;
    },
    cancel,
  };
}
