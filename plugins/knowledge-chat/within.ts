/** What `work` answers, unless `signal` is aborted or the time is over before: then the rejection says which. */
export async function within<T>(
  work: (signal: AbortSignal) => Promise<T>,
  ms: number,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const over = new AbortController(); // costs a third of `AbortSignal.any`
  const ended = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    over.abort(reason);
    ended.reject(reason);
  };
  const aborted = () => end(signal.reason);
  const timer = setTimeout(() => end(new OutOfTime()), ms);
  signal.addEventListener("abort", aborted, { once: true });
  try {
    // Who does not listen to the signal is not waited for.
    return await Promise.race([work(over.signal), ended.promise]);
  } catch (error) {
    throw over.signal.aborted ? over.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
  }
}

export class OutOfTime extends Error {
  constructor() {
    super("the deadline of the post has passed");
  }
}
