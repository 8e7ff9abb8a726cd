import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Fault } from "../errors.ts";

export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Pages by path, such as `/live`; made anew for each request. */
export type Routes = Readonly<Record<string, () => Page | Promise<Page>>>;

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

export const json = (status: number, value: unknown): Page => ({
  status,
  type: "application/json",
  body: `${JSON.stringify(value)}\n`,
});

/** Serves pages to probes and scrapers. Throws HTTP_LISTEN where it cannot listen. */
export async function startServer({ port, host }: Place, routes: Routes): Promise<Server> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, answer(routes));
  await new Promise<void>((done, refuse) => {
    server.once("error", (cause) =>
      refuse(new Fault("HTTP_LISTEN", { place: `${host}:${port}`, reason: cause.message }, { cause })),
    );
    server.listen(port, host, done);
  });
  const { address, family, port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${taken}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

const answer =
  (routes: Routes): RequestListener =>
  async (request, response) => {
    const page = await pageOf(routes, request.method ?? "", request.url ?? "");
    response.writeHead(page.status, { "content-type": page.type, "cache-control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : page.body);
  };

async function pageOf(routes: Routes, method: string, url: string): Promise<Page> {
  const path = url.split("?", 1)[0]!;
  if (!Object.hasOwn(routes, path)) return json(404, { error: "no such page", pages: Object.keys(routes) });
  if (method !== "GET" && method !== "HEAD") return json(405, { error: "only GET and HEAD" });
  try {
    return await routes[path]!();
  } catch {
    // What went wrong may quote a secret; whoever asks gets none of it.
    return json(500, { error: "this page failed" });
  }
}
