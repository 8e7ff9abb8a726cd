import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { fitTo } from "./fit.ts";
import { layOut, sayNames } from "./names.ts";
import { obey } from "./obey.ts";
import { capped, completion, events, type Reply, usageOf } from "./reply.ts";
import { type Asked, readRequest } from "./request.ts";
import { type LlmFault, picker, type Rule, type RuleInput, scriptSchema } from "./script.ts";

export type DevLlmMode = "names" | "obey" | "echo";

export interface DevLlmOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Loopback by default. */
  readonly host?: string;
  /** What answers where no rule of the script does: `names` by default. */
  readonly mode?: DevLlmMode;
  readonly script?: readonly (Rule | RuleInput)[];
  /** Before every answer, in milliseconds. */
  readonly waitMs?: number;
  /** Whether answers are held to a JSON Schema, left free as old servers do, or such requests refused. */
  readonly structured?: "held" | "ignored" | "refused";
  /** Name of the model; requests may name any. */
  readonly model?: string;
  /** Requests with another key are refused; any will do by default. */
  readonly key?: string;
  /** For the rules that hold by chance, 0 to 1. */
  readonly random?: () => number;
  /** Sees every request that could be read. */
  readonly observe?: (asked: Asked) => void;
}

/** What the server was asked, since it began. */
export interface DevLlmCounts {
  requests: number;
  /** Requests that were answered in full. */
  answered: number;
  /** Requests that could not be read. */
  unreadable: number;
  images: number;
  inputTokens: number;
  outputTokens: number;
  /** Requests in flight, and the most there were at once. */
  flying: number;
  peak: number;
  /** Faults of the script, by kind. */
  readonly faults: Record<string, number>;
}

export interface DevLlm {
  /** Ends in `/v1`. */
  readonly url: string;
  readonly counts: DevLlmCounts;
  close(): Promise<void>;
}

/** A real server of the OpenAI protocol, without a model: what it says comes from a script or a simple rule. */
export async function startDevLlm(options: DevLlmOptions = {}): Promise<DevLlm> {
  const { port = 0, host = "127.0.0.1" } = options;
  const counts: DevLlmCounts = {
    requests: 0,
    answered: 0,
    unreadable: 0,
    images: 0,
    inputTokens: 0,
    outputTokens: 0,
    flying: 0,
    peak: 0,
    faults: {},
  };
  const answer = answerer(options, counts);
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}/v1`,
    counts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerer(options: DevLlmOptions, counts: DevLlmCounts) {
  const { key, model = "dev", random = Math.random } = options;
  const pick = picker(scriptSchema.parse((options.script ?? []).map(written)), random);
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = `${request.method} ${new URL(request.url ?? "/", "http://dev").pathname}`;
    if (key !== undefined && request.headers.authorization !== `Bearer ${key}`)
      return refuse(response, 401, "Incorrect API key provided", "invalid_api_key");
    if (path === "GET /v1/models")
      return json(response, 200, {
        object: "list",
        data: [{ id: model, object: "model", created: 0, owned_by: "dev" }],
      });
    if (path === "GET /counts") return json(response, 200, counts);
    if (path !== "POST /v1/chat/completions") return refuse(response, 404, `there is no ${path} here`, "not_found");
    counts.requests++;
    counts.peak = Math.max(counts.peak, ++counts.flying);
    try {
      await chat(request, response);
    } finally {
      counts.flying--;
    }
  };

  async function chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = readRequest(await bodyOf(request));
    if ("problem" in asked) {
      counts.unreadable++;
      return refuse(response, 400, asked.problem, "invalid_request_error");
    }
    options.observe?.(asked);
    counts.images += asked.images.length;
    if (asked.schema && options.structured === "refused")
      return refuse(response, 400, "response_format of this type is not supported", "invalid_request_error");
    if (options.waitMs) await wait(options.waitMs);
    const rule = pick(asked.last.replaceAll("ˆ", " "));
    const { fault } = rule ?? {};
    if (fault) counts.faults[fault.kind] = (counts.faults[fault.kind] ?? 0) + 1;
    if (fault && (await failed(fault, response))) return;
    const reply = spoilt(fault, capped(replyTo(asked, rule), asked));
    const { prompt_tokens, completion_tokens } = usageOf(asked, reply);
    counts.inputTokens += prompt_tokens;
    counts.outputTokens += completion_tokens;
    if (await send(response, asked, reply, fault)) counts.answered++;
  }

  function replyTo(asked: Asked, rule: Rule | undefined): Reply {
    const held = options.structured === "ignored" ? undefined : asked.schema;
    if (rule?.answer !== undefined)
      return { text: typeof rule.answer === "string" ? rule.answer : JSON.stringify(rule.answer), finish: "stop" };
    const obeyed = options.mode === "obey" ? obey(asked) : undefined;
    if (obeyed)
      return { ...obeyed, text: held ? JSON.stringify(fitTo(held, heldOf(obeyed.text))) : obeyed.text, finish: "stop" };
    if (options.mode === "echo") return { text: asked.last, finish: "stop" };
    const said = sayNames(asked);
    return { text: held ? JSON.stringify(fitTo(held, said)) : layOut(said), finish: "stop" };
  }
}

/** A rule that was parsed before may be given too. */
const written = (rule: Rule | RuleInput): RuleInput =>
  rule.when instanceof RegExp ? { ...rule, when: rule.when.source } : (rule as RuleInput);

/** What a server that holds a model to a schema makes of words it was ordered to say. */
function heldOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { entities: [{ name: text.slice(0, 2000), type: "person" }], reasoning: text, image_relevant: true };
  }
}

/** Does what a fault says instead of an answer; false where an answer follows. */
async function failed(fault: LlmFault, response: ServerResponse): Promise<boolean> {
  const { kind, status, waitMs } = fault;
  switch (kind) {
    case "busy":
      refuse(response, status ?? 429, "Rate limit reached", "rate_limit_exceeded", retryAfter(fault));
      return true;
    case "failed":
      refuse(response, status ?? 500, "The server had an error", "server_error");
      return true;
    case "refused":
      refuse(response, status ?? 400, "The request was refused", "invalid_request_error");
      return true;
    case "reset":
      response.socket?.resetAndDestroy();
      return true;
    case "hang":
      await new Promise<void>((resolve) => response.once("close", resolve));
      return true;
    case "garbage":
      response
        .writeHead(200, { "content-type": "application/json" })
        .end('{"choices": [{"message": {"cont\u0000<html>');
      return true;
    case "wrong_json":
      json(response, 200, { object: "chat.completion", answer: 42 });
      return true;
    case "slow":
      await wait(waitMs ?? 30_000);
      return false;
    default:
      return false;
  }
}

function retryAfter({ afterMs = 1000, form = "seconds" }: LlmFault): Record<string, string> {
  if (form === "ms") return { "retry-after-ms": String(afterMs) };
  if (form === "date") return { "retry-after": new Date(Date.now() + afterMs).toUTCString() };
  return { "retry-after": String(Math.ceil(afterMs / 1000)) };
}

/** The answer as a fault leaves it. */
function spoilt(fault: LlmFault | undefined, reply: Reply): Reply {
  if (fault?.kind === "refusal") return { ...reply, text: "", refusal: "I can't help with that." };
  if (fault?.kind === "length")
    return { ...reply, text: reply.text.slice(0, Math.ceil(reply.text.length / 2)), finish: "length" };
  if (fault?.kind === "empty") return { ...reply, text: "", empty: true };
  return reply;
}

let answers = 0;

/** Sends an answer, in one piece, as events, or drop by drop; false where the caller had gone. */
async function send(
  response: ServerResponse,
  asked: Asked,
  reply: Reply,
  fault: LlmFault | undefined,
): Promise<boolean> {
  const id = `chatcmpl-dev-${++answers}`;
  const pieces = asked.stream ? events(asked, reply, id) : [JSON.stringify(completion(asked, reply, id))];
  response.writeHead(200, { "content-type": asked.stream ? "text/event-stream" : "application/json" });
  const drip = fault?.kind === "drip" ? (fault.waitMs ?? 100) : undefined;
  for (const piece of drip === undefined ? pieces : pieces.flatMap((one) => one.match(/[\s\S]{1,64}/g) ?? [])) {
    if (response.destroyed) return false;
    response.write(piece);
    if (drip !== undefined) await wait(drip);
  }
  response.end();
  return !response.destroyed;
}

/** Bytes of a request at most: a few pictures. */
const MAX_BODY = 64 * 2 ** 20;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error("the body is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function json(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

const refuse = (
  response: ServerResponse,
  status: number,
  message: string,
  code: string,
  headers: Record<string, string> = {},
): void => json(response, status, { error: { message, type: code, param: null, code } }, headers);
