/** Timers of Node end at once where they are longer than this. */
const LONGEST_MS = 2 ** 31 - 1;

/** Calls `then` once after `ms`, however long that is; returns what takes it back. */
export function after(ms: number, then: () => void): () => void {
  if (ms === Number.POSITIVE_INFINITY) return () => {};
  const end = performance.now() + ms;
  let timer: NodeJS.Timeout;
  const wait = () => {
    const left = end - performance.now();
    timer = left > 0 ? setTimeout(wait, Math.min(left, LONGEST_MS)) : setTimeout(then, 0);
  };
  if (ms <= 0) timer = setTimeout(then, 0);
  else if (ms <= LONGEST_MS) timer = setTimeout(then, ms);
  else wait();
  return () => clearTimeout(timer);
}

/** Resolves after `ms`; rejects with the signal's reason as soon as that aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const leave = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = after(ms, () => {
      signal.removeEventListener("abort", leave);
      resolve();
    });
    signal.addEventListener("abort", leave, { once: true });
  });
}
