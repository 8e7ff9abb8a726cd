import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";

/** The body of a response is longer than `maxBytes`. */
export class TooLong extends Error {}

export interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
  readonly signal: AbortSignal;
  /** Of the response, unpacked. */
  readonly maxBytes: number;
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * One request and its whole response, without the streams of `fetch`, which cost more than all else that is done for a
 * call. No redirect is followed. Rejects with what undici says, with TooLong, or with the signal's reason.
 */
export async function exchange(dispatcher: Dispatcher, sent: Sent): Promise<Received> {
  const { signal, maxBytes, method, headers, body } = sent;
  signal.throwIfAborted();
  const { origin, pathname, search } = new URL(sent.url);
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let head: Omit<Received, "body">;
  let started: Dispatcher.DispatchController | undefined;
  const abort = () => {
    reject(signal.reason);
    started?.abort(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  const begin = () =>
    dispatcher.dispatch(
      { origin, path: pathname + search, method, headers, body },
      {
        onRequestStart(controller) {
          started = controller; // until then it waits for a connection
          if (signal.aborted) controller.abort(signal.reason);
        },
        onResponseStart: (_, status, headers) => {
          head = { status, headers };
        },
        onResponseData(controller, chunk) {
          bytes += chunk.byteLength;
          if (bytes > maxBytes) controller.abort(new TooLong(`it is longer than maxBytes ${maxBytes}`));
          else chunks.push(chunk);
        },
        onResponseEnd: () => resolve({ ...head, body: Buffer.concat(chunks) }),
        onResponseError: (_, error) => reject(error),
      },
    );
  try {
    begin();
  } catch (error) {
    reject(error);
  }
  return promise.finally(() => signal.removeEventListener("abort", abort));
}
