import OpenAI from "openai";
import { Agent, type BodyInit, fetch, type RequestInit, Response } from "undici";
import type { Options } from "./options.ts";

/** The body of a response is longer than `maxBytes`. */
export class TooLong extends Error {}

/** What goes to the server; the SDK would tell it of the machine too. */
const SENT = ["accept", "content-type", "openai-organization", "openai-project", "user-agent"];
/** Responses with these statuses have no body. */
const EMPTY = new Set([204, 205, 304]);
/** The SDK stops its clock when the headers are there; ours runs on. */
const NEVER_MS = 2 ** 31 - 1;
const CONNECT_MS = 10_000;

type ClientOption = "baseURL" | "apiKey" | "organization" | "project" | "maxBytes";

export interface Client {
  readonly openai: OpenAI;
  close(): Promise<void>;
}

/** The SDK with one connection pool of its own: no retries, no proxy, no redirects, nothing from the environment. */
export function createClient(options: Pick<Options, ClientOption>): Client {
  const agent = new Agent({ connect: { timeout: CONNECT_MS }, headersTimeout: 0, bodyTimeout: 0 });
  const openai = new OpenAI({
    baseURL: options.baseURL,
    apiKey: options.apiKey ?? "none",
    adminAPIKey: null,
    organization: options.organization ?? null,
    project: options.project ?? null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: NEVER_MS,
    logLevel: "off",
    fetch: boundedFetch(agent, options) as unknown as typeof globalThis.fetch,
  });
  return { openai, close: () => agent.destroy() };
}

/** A fetch that reads the whole response, up to `maxBytes`, so that all that may go wrong goes wrong here. */
function boundedFetch(agent: Agent, { apiKey, maxBytes }: Pick<Options, ClientOption>) {
  const sent = new Set(apiKey === undefined ? SENT : [...SENT, "authorization"]);
  return async (url: string, init: RequestInit & { headers: Headers }): Promise<Response> => {
    const { body, type } = await encoded(init.body);
    const headers = [...init.headers].filter(([name]) => sent.has(name));
    if (type !== null) headers.push(["content-type", type]);
    const response = await fetch(url, { ...init, body, headers, redirect: "manual", dispatcher: agent });
    const bytes = await readAtMost(response, maxBytes);
    return new Response(EMPTY.has(response.status) ? null : bytes, response);
  };
}

/** A form of the SDK is one of Node's own, which the fetch of another copy of undici does not know. */
async function encoded(body: unknown): Promise<{ readonly body: BodyInit; readonly type: string | null }> {
  if (!(body instanceof globalThis.FormData)) return { body: body as BodyInit, type: null };
  const form = new globalThis.Response(body);
  return { body: new Uint8Array(await form.arrayBuffer()), type: form.headers.get("content-type") };
}

async function readAtMost(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new TooLong(`it is longer than maxBytes ${maxBytes}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
