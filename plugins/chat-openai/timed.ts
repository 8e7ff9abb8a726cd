import { type ChatRequest, Fault } from "starling-ner";

interface Limits {
  readonly request: Pick<ChatRequest, "deadline">;
  readonly signal: AbortSignal;
  readonly model: string;
  readonly timeoutMs: number;
}

/** Ends a call, body and all, at its time limit, its deadline, or when its signal aborts; throws CHAT_TIMEOUT or the signal's reason. */
export async function timed<T>(limits: Limits, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { request, signal, model, timeoutMs } = limits;
  signal.throwIfAborted();
  const left = (request.deadline ?? Number.POSITIVE_INFINITY) - performance.now();
  const afterMs = Math.max(0, Math.round(Math.min(timeoutMs, left)));
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => controller.abort(new Fault("CHAT_TIMEOUT", { model, afterMs })), afterMs);
  try {
    return await call(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
