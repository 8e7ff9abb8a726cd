import OpenAI from "openai";
import { Agent, type Dispatcher, interceptors } from "undici";
import { exchange, type Received, type Sent } from "./exchange.ts";
import type { Options } from "./options.ts";

/** What goes to the server; the SDK would tell it of the machine too. */
const SENT = ["accept", "content-type", "openai-organization", "openai-project", "user-agent"];
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
  // An answer fits into a packet or two, so nothing packed is asked for; some servers send it all the same.
  const unpacking = agent.compose(interceptors.decompress({ skipErrorResponses: false }));
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
    fetch: boundedFetch(unpacking, options) as unknown as typeof globalThis.fetch,
  });
  return { openai, close: () => agent.destroy() };
}

/** In place of `fetch`: the whole response is read, up to `maxBytes`, so that all that may go wrong goes wrong here. */
function boundedFetch(dispatcher: Dispatcher, { apiKey, maxBytes }: Pick<Options, ClientOption>) {
  const sent = new Set(apiKey === undefined ? SENT : [...SENT, "authorization"]);
  return async (url: string, init: RequestInit & { headers: Headers }) => {
    const headers = Object.fromEntries([...init.headers].filter(([name]) => sent.has(name)));
    const { body, type } = await encoded(init.body);
    if (type !== null) headers["content-type"] = type;
    const { method, signal } = init as { method: string; signal: AbortSignal };
    return responseOf(await exchange(dispatcher, { url, method, headers, body, signal, maxBytes }));
  };
}

/** A form of the SDK is one of Node's own. */
async function encoded(body: unknown): Promise<{ readonly body: Sent["body"]; readonly type: string | null }> {
  if (!(body instanceof FormData)) return { body: (body as string | undefined) ?? null, type: null };
  const form = new Response(body);
  return { body: new Uint8Array(await form.arrayBuffer()), type: form.headers.get("content-type") };
}

/** What the SDK reads of a response, without the streams of `Response`. */
function responseOf({ status, headers, body }: Received) {
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: new Headers(Object.entries(headers).map(([name, value = ""]): [string, string] => [name, String(value)])),
    body: null,
    text: async () => body.toString("utf8"),
  };
}
