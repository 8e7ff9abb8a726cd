import type { AddressInfo } from "node:net";
import { type FastifyReply, fastify } from "fastify";
import { Fault } from "../errors.ts";
import { json, type Page, type Routes } from "./page.ts";

export interface Place {
  /** 0 takes any that is free. */
  readonly port: number;
  readonly host: string;
}

export interface Server {
  readonly url: string;
  /** Answers nothing more, at once; a second call does nothing. */
  close(): Promise<void>;
}

/** A client that has not taken its answer by then is cut off, in milliseconds. */
const ANSWER_MS = 10_000;
/** Far more than probes and scrapers need; a client that opens more waits. */
const CONNECTIONS = 64;

/** Serves pages to probes and scrapers. Throws HTTP_LISTEN where it cannot listen. */
export async function startServer(
  { port, host }: Place,
  routes: Routes,
  { answerMs = ANSWER_MS } = {},
): Promise<Server> {
  const app = fastify({
    logger: false,
    bodyLimit: 1024,
    requestTimeout: answerMs,
    connectionTimeout: 2 * answerMs,
    keepAliveTimeout: 2 * answerMs,
    forceCloseConnections: true,
  });
  app.server.maxConnections = CONNECTIONS;
  app.addHook("onRequest", async (_, reply) => cutOff(reply, answerMs));
  for (const [path, show] of Object.entries(routes))
    app.get(path, async (request, reply) => send(reply, await show(request.headers.accept)));
  app.setNotFoundHandler((request, reply) => send(reply, noPage(request.url, routes)));
  // What went wrong may quote a secret; whoever asks gets none of it.
  app.setErrorHandler(({ statusCode = 500 }: { statusCode?: number }, _, reply) =>
    send(reply, json(statusCode < 500 ? statusCode : 500, { error: "this page failed" })),
  );
  try {
    await app.listen({ port, host });
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new Fault("HTTP_LISTEN", { place: `${host}:${port}`, reason }, { cause });
  }
  const { address, family, port: taken } = app.server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${taken}`,
    close: () => app.close(),
  };
}

/** Ends the connection of a client that hangs: what it was to be told is not kept for it. */
function cutOff({ raw }: FastifyReply, answerMs: number): void {
  const timer = setTimeout(() => raw.destroy(), answerMs);
  raw.once("close", () => clearTimeout(timer));
}

const send = (reply: FastifyReply, { status, type, body }: Page): FastifyReply =>
  reply.code(status).header("content-type", type).header("cache-control", "no-store").send(body);

function noPage(url: string, routes: Routes): Page {
  const [path] = url.split("?", 1);
  if (Object.hasOwn(routes, path!)) return json(405, { error: "only GET and HEAD" });
  return json(404, { error: "no such page", pages: Object.keys(routes) });
}
