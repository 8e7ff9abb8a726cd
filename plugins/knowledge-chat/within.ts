/** What `work` answers, unless `signal` is aborted or the time is over before: then the rejection says which. */
export async function within<T>(
  work: (signal: AbortSignal) => Promise<T>,
  ms: number,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(new OutOfTime()), ms);
  const either = AbortSignal.any([signal, over.signal]);
  const ended = Promise.withResolvers<never>();
  const end = () => ended.reject(either.reason);
  either.addEventListener("abort", end);
  try {
    // Who does not listen to the signal is not waited for.
    return await Promise.race([work(either), ended.promise]);
  } catch (error) {
    throw either.aborted ? either.reason : error;
  } finally {
    clearTimeout(timer);
    either.removeEventListener("abort", end);
  }
}

export class OutOfTime extends Error {
  constructor() {
    super("the deadline of the post has passed");
  }
}
