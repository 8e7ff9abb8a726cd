import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { type BatchLine, batchRoutes } from "./batches.ts";
import { fitTo } from "./fit.ts";
import { bodyOf, errorOf, json, refuse } from "./http.ts";
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
  /** How long a batch takes, in milliseconds, 0 by default; `none`: the server has no batches. */
  readonly batchMs?: number | "none";
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
  /** Batches that were begun. */
  batches: number;
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
    batches: 0,
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
  const { batchMs = 0 } = options;
  const batches =
    batchMs === "none" ? undefined : batchRoutes({ batchMs, answer: line, begun: () => counts.batches++ });
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
    if (await batches?.(path, request, response)) return;
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
    const asked = heard((await bodyOf(request)).toString("utf8"));
    if ("problem" in asked) return refuse(response, 400, asked.problem, "invalid_request_error");
    if (options.waitMs) await wait(options.waitMs);
    const rule = ruleOf(asked);
    if (rule?.fault && (await failed(rule.fault, response))) return;
    if (await send(response, asked, replied(asked, rule), rule?.fault)) counts.answered++;
  }

  /** One request of a batch. */
  function line(body: unknown): BatchLine {
    counts.requests++;
    const asked = heard(JSON.stringify(body));
    if ("problem" in asked) return { status: 400, body: errorOf(asked.problem, "invalid_request_error") };
    const rule = ruleOf(asked);
    const failed = rule?.fault && failedLine(rule.fault);
    if (failed) return failed;
    counts.answered++;
    return { status: 200, body: completion(asked, replied(asked, rule), `chatcmpl-dev-${++answers}`) };
  }

  function heard(body: string): Asked | { readonly problem: string } {
    const asked = readRequest(body);
    if ("problem" in asked) {
      counts.unreadable++;
      return asked;
    }
    options.observe?.(asked);
    counts.images += asked.images.length;
    if (asked.schema && options.structured === "refused")
      return { problem: "response_format of this type is not supported" };
    return asked;
  }

  function ruleOf(asked: Asked): Rule | undefined {
    const rule = pick(asked.last.replaceAll("ˆ", " "));
    if (rule?.fault) counts.faults[rule.fault.kind] = (counts.faults[rule.fault.kind] ?? 0) + 1;
    return rule;
  }

  function replied(asked: Asked, rule: Rule | undefined): Reply {
    const reply = spoilt(rule?.fault, capped(replyTo(asked, rule), asked));
    const { prompt_tokens, completion_tokens } = usageOf(asked, reply);
    counts.inputTokens += prompt_tokens;
    counts.outputTokens += completion_tokens;
    return reply;
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
    case "expired":
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

/** What a fault makes of a request in a batch; undefined where an answer follows. */
function failedLine({ kind, status }: LlmFault): BatchLine | undefined {
  switch (kind) {
    case "busy":
      return { status: status ?? 429, body: errorOf("Rate limit reached", "rate_limit_exceeded") };
    case "refused":
      return { status: status ?? 400, body: errorOf("The request was refused", "invalid_request_error") };
    case "failed":
    case "reset":
    case "garbage":
      return { status: status ?? 500, body: errorOf("The server had an error", "server_error") };
    case "wrong_json":
      return { status: 200, body: { object: "chat.completion", answer: 42 } };
    case "hang":
    case "expired":
      return { expired: true };
    default:
      return undefined;
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
