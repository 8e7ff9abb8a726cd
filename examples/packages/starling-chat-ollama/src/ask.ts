import { type ChatAnswer, type ChatRequest, Fault } from "starling-ner";
import { answerOf, bodyOf } from "./protocol.ts";

export interface Place {
  readonly endpoint: URL;
  /** As the server calls it. */
  readonly model: string;
  /** As faults and caches call it. */
  readonly name: string;
  readonly takesImages: boolean;
  readonly timeoutMs: number;
}

/** Asks once, and turns whatever goes wrong into the faults that `chat@1` promises. */
export async function ask(place: Place, request: ChatRequest, signal: AbortSignal): Promise<ChatAnswer> {
  signal.throwIfAborted();
  const left = (request.deadline ?? Number.POSITIVE_INFINITY) - performance.now();
  const afterMs = Math.max(0, Math.round(Math.min(place.timeoutMs, left)));
  const late = new Fault("CHAT_TIMEOUT", { model: place.name, afterMs });
  if (afterMs === 0) throw late;
  const limit = AbortSignal.timeout(afterMs);
  try {
    return await send(place, request, AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    throw limit.aborted ? late : error;
  }
}

async function send(place: Place, request: ChatRequest, signal: AbortSignal): Promise<ChatAnswer> {
  const { endpoint, name } = place;
  const init = { method: "POST", body: JSON.stringify(bodyOf(request, place)), signal, redirect: "error" } as const;
  const response = await fetch(endpoint, { ...init, headers: { "content-type": "application/json" } }).catch(
    (cause: Error) => {
      throw new Fault("CHAT_UNREACHABLE", { model: name, ...reasonOf(cause) }, { cause });
    },
  );
  const text = await response.text().catch((cause: Error) => {
    throw new Fault("CHAT_GARBLED", { model: name, reason: `it broke off: ${cause.message}` }, { cause });
  });
  if (!response.ok) throw refusal(name, response, text);
  return answerOf(text, request, name);
}

/** A server that gave no connection was never asked: nothing can have been spent. */
function reasonOf(error: Error): { reason: string; sent: boolean } {
  const { code = error.message } = (error.cause ?? {}) as { code?: string };
  return { reason: code, sent: !/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(code) };
}

function refusal(model: string, { status, headers }: Response, text: string): Fault {
  const reason = text.slice(0, 200);
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  if (status === 429) return new Fault("CHAT_BUSY", { model, afterMs: seconds >= 0 ? seconds * 1000 : null });
  if (status >= 500 || status === 408) return new Fault("CHAT_FAILED", { model, status, reason });
  return new Fault("CHAT_REFUSED", { model, status, reason });
}
