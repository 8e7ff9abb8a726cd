import { APIError } from "openai";
import { Fault, printable } from "starling-ner";
import { TooLong } from "./exchange.ts";

export interface Place {
  readonly model: string;
  /** Never shown, whatever a server says. */
  readonly apiKey: string | undefined;
}

/** The connection never stood, so nothing was asked. */
const NOT_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_\w+|\w*CERT\w*)$/;
/** The account has no money: no later call will do better. */
const NO_MONEY = /^(insufficient_quota|billing_hard_limit_reached)$/;
/** llama.cpp says so with status 500; no later call will do better, and calls without pictures do well. */
const WITHOUT_EYES = /image input is not supported/i;
const REASON_CHARACTERS = 200;

/** Turns what the SDK throws into a fault of `chat@1`. */
export function faultOf(error: unknown, place: Place): Fault {
  const { model } = place;
  const shown = (text: string) => shownOf(text, place);
  if (error instanceof APIError && error.status !== undefined) return ofStatus(error, model, shown(messageOf(error)));
  const chain = causes(error);
  const garbled = chain.find((cause) => cause instanceof TooLong || cause instanceof SyntaxError);
  if (garbled !== undefined)
    return new Fault("CHAT_GARBLED", { model, reason: shown(garbled.message) }, { cause: error });
  const code = chain.map((cause) => (cause as NodeJS.ErrnoException).code).find((code) => typeof code === "string");
  const reason = code ?? shown(chain.at(-1)?.message ?? String(error));
  const sent = code === undefined || !NOT_SENT.test(code);
  return new Fault("CHAT_UNREACHABLE", { model, reason, sent }, { cause: error });
}

function ofStatus(error: APIError, model: string, reason: string): Fault {
  const { status } = error as { status: number };
  const options = { cause: error };
  const noMoney = NO_MONEY.test(error.code ?? "") || NO_MONEY.test(error.type ?? "");
  const afterMs = retryAfterMs(error.headers);
  const busy = status === 429 || status === 529 || (status === 503 && afterMs !== null);
  if (busy && !noMoney) return new Fault("CHAT_BUSY", { model, afterMs }, options);
  const blind = status === 500 && WITHOUT_EYES.test(reason);
  if ((status >= 500 || status === 408) && !blind) return new Fault("CHAT_FAILED", { model, status, reason }, options);
  return new Fault("CHAT_REFUSED", { model, status, reason }, options);
}

/** Of any length, in milliseconds; seconds or a date in `retry-after`, milliseconds in `retry-after-ms`. */
export function retryAfterMs(headers: Pick<Headers, "get"> | undefined, now = Date.now()): number | null {
  const ms = numberOf(headers?.get("retry-after-ms"));
  if (ms !== undefined) return ms;
  const given = headers?.get("retry-after");
  const seconds = numberOf(given);
  if (seconds !== undefined) return seconds * 1000;
  // A date of HTTP begins with the day of the week; `Date.parse` reads much else as a date.
  const date = /^[A-Z]/i.test(given ?? "") ? Date.parse(given ?? "") : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

function numberOf(text: string | null | undefined): number | undefined {
  const number = text == null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) && number >= 0 ? number : undefined;
}

function messageOf({ error, message, status = 0, headers }: APIError): string {
  const told = (error as { message?: unknown } | undefined)?.message;
  if (Math.floor(status / 100) === 3) return `it wants to be asked at ${headers?.get("location")}; set baseURL`;
  return typeof told === "string" ? told : message;
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && chain.length < 8; at = at.cause) chain.push(at);
  return chain;
}

/** What a server says, for people: short, without the key, and nothing in it that a terminal obeys. */
export const shownOf = (text: string, { apiKey }: Pick<Place, "apiKey">): string =>
  shorten(apiKey === undefined ? text : text.replaceAll(apiKey, "…"));

const shorten = (text: string): string =>
  printable(text.length > REASON_CHARACTERS ? `${text.slice(0, REASON_CHARACTERS)}…` : text);
