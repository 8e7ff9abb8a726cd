import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import type { Health } from "../plugin.ts";
import { json, type Routes } from "./page.ts";
import { createProbes } from "./probes.ts";
import { startServer } from "./server.ts";

const here = { port: 0, host: "127.0.0.1" };

async function served(routes: Routes) {
  const server = await startServer(here, routes);
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() });
}

describe("the server", () => {
  test("answers its pages, and tells of them elsewhere", async () => {
    let asked = 0;
    await using server = await served({ "/count": () => json(200, { asked: ++asked }) });
    const page = await fetch(`${server.url}/count?x=1`);
    expect([page.status, page.headers.get("content-type"), page.headers.get("cache-control")]).toEqual([
      200,
      "application/json; charset=utf-8",
      "no-store",
    ]);
    expect(await page.json()).toEqual({ asked: 1 });
    const missing = await fetch(`${server.url}/constructor`);
    expect([missing.status, await missing.json()]).toEqual([404, { error: "no such page", pages: ["/count"] }]);
    expect((await fetch(`${server.url}/count`, { method: "POST" })).status).toBe(405);
    const head = await fetch(`${server.url}/count`, { method: "HEAD" });
    expect([head.status, await head.text(), asked]).toEqual([200, "", 2]);
  });

  test("shows nothing of what went wrong with a page", async () => {
    await using server = await served({ "/bad": () => Promise.reject(new Error("password s3cret")) });
    const page = await fetch(`${server.url}/bad`);
    expect([page.status, await page.text()]).toEqual([500, '{"error":"this page failed"}\n']);
  });

  test("closes at once, though a client keeps its connection, and twice", async () => {
    const server = await startServer(here, { "/": () => json(200, {}) });
    await (await fetch(`${server.url}/`)).text();
    const began = performance.now();
    await server.close();
    await server.close();
    expect(performance.now() - began).toBeLessThan(500);
    await expect(fetch(`${server.url}/`)).rejects.toThrow();
  });

  test("says which port is taken", async () => {
    await using server = await served({});
    const port = Number(new URL(server.url).port);
    await expect(startServer({ ...here, port }, {})).rejects.toMatchObject({
      code: "HTTP_LISTEN",
      details: { place: `127.0.0.1:${port}`, reason: expect.stringContaining("EADDRINUSE") },
    });
  });
});

describe("the probes", () => {
  const pageOf = async (routes: Routes, path: string) => {
    const { status, body } = await routes[path]!();
    return { status, ...(JSON.parse(body) as object) };
  };

  test("live is yes in every phase, ready only while posts flow", async () => {
    const { routes, running, ready } = createProbes();
    const stop = new AbortController();
    const states = async () => [await pageOf(routes, "/live"), await pageOf(routes, "/ready")];
    expect(await states()).toEqual([
      { status: 200, live: true, phase: "opening" },
      { status: 503, ready: false, reasons: ["the pipeline is opening"], figures: {} },
    ]);
    expect(ready()).toBe(false);
    running({}, stop.signal);
    expect(ready()).toBe(true);
    expect(await states()).toEqual([
      { status: 200, live: true, phase: "running" },
      { status: 200, ready: true, reasons: [], figures: {} },
    ]);
    stop.abort();
    expect(ready()).toBe(false);
    expect(await states()).toEqual([
      { status: 200, live: true, phase: "stopping" },
      { status: 503, ready: false, reasons: ["the pipeline is stopping"], figures: {} },
    ]);
  });

  test("ready follows the source, and the age of the oldest post in flight", async () => {
    const { routes, running, started } = createProbes({ oldestMs: 60_000 });
    let health: Health = { ready: false, reason: "no partitions are assigned", figures: { assigned: 0 } };
    running({ health: () => health }, new AbortController().signal);
    expect(await pageOf(routes, "/ready")).toEqual({
      status: 503,
      ready: false,
      reasons: ["source: no partitions are assigned"],
      figures: { assigned: 0 },
    });
    health = { ready: true, figures: { assigned: 4, oldestSeconds: 59.9 } };
    expect(await pageOf(routes, "/ready")).toMatchObject({
      status: 200,
      figures: { assigned: 4, oldestSeconds: 59.9 },
    });
    health = { ready: true, figures: { oldestSeconds: 75.2 } };
    expect(await pageOf(routes, "/ready")).toMatchObject({
      status: 503,
      reasons: ["the oldest post in flight is 75 s old, more than 60 s"],
    });
    health = { ready: true, figures: { oldestSeconds: 2 } };
    started({ oldestSeconds: 61 });
    expect(await pageOf(routes, "/ready")).toMatchObject({ status: 503, figures: { oldestSeconds: 61 } });
    running({}, new AbortController().signal);
    expect(await pageOf(routes, "/ready")).toMatchObject({
      status: 503,
      reasons: ["the oldest post in flight is 61 s old, more than 60 s"],
    });
  });
});

describe("a client that hangs", () => {
  /** Asks for a page, and never reads what comes. */
  const hang = async (url: string, request: string) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, "connect");
    socket.on("error", () => {});
    socket.pause();
    socket.write(request);
    return socket;
  };
  /** More than the buffers of both ends hold. */
  const large = { status: 200, type: "text/plain", body: "x".repeat(32 * 1024 * 1024) };

  test("is cut off, and holds neither others nor the end", async () => {
    await using server = await servedQuick({ "/large": () => large, "/small": () => json(200, {}) });
    const hanging = await Promise.all([
      hang(server.url, "GET /large HTTP/1.1\r\nhost: a\r\n\r\n"),
      hang(server.url, "GET /large HTTP/1.1\r\nhost: a\r\n\r\n"),
      hang(server.url, "GET /large HT"),
    ]);
    expect((await fetch(`${server.url}/small`)).status).toBe(200);
    const began = performance.now();
    const cut = hanging.slice(0, 2).map((socket) => {
      setTimeout(() => socket.resume(), 400);
      return once(socket, "close").then(() => socket.bytesRead);
    });
    for (const bytes of await Promise.all(cut)) expect(bytes).toBeLessThan(large.body.length);
    expect(performance.now() - began).toBeLessThan(5000);
    await server.close();
    for (const socket of hanging) socket.destroy();
  });

  async function servedQuick(routes: Routes) {
    const server = await startServer(here, routes, { answerMs: 200 });
    return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() });
  }
});
