import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { makeCertificates } from "../../test/kafka/certificates.ts";
import { listen, live, names, open } from "./servers.test-help.ts";

const picture = await readFile(join(import.meta.dirname, "../../examples/pictures/bridge.png"));

/** A loader that may ask `good.test`, which is this server on 127.0.0.1. */
async function serve(answer: RequestListener, options: object = {}) {
  const { port, paths } = await listen("127.0.0.1", answer);
  const opened = await open(
    { hosts: ["good.test"], http: true, ports: [port], networks: ["127.0.0.0/8"], ...options },
    names({ "good.test": ["127.0.0.1"] }),
  );
  const load = (path = "/a", signal = live) => opened.images.load({ src: `http://good.test:${port}${path}` }, signal);
  return { ...opened, load, paths };
}

test("a picture comes whole, whatever its name and its headers say", async () => {
  const { load } = await serve((_, response) => response.setHeader("content-type", "text/html").end(picture));
  expect(await load("/a.html")).toMatchObject({ kind: "ok", value: { picture: { type: "image/jpeg", width: 240 } } });
});

test("a redirect is followed, also to a path", async () => {
  const { load, paths } = await serve((request, response) =>
    request.url === "/a" ? response.writeHead(307, { location: "/b?c=1" }).end() : response.end(picture),
  );
  expect(await load()).toMatchObject({ kind: "ok" });
  expect(paths).toEqual(["/a", "/b?c=1"]);
});

test("no cookie, no credential and no word of ours beyond the name goes out", async () => {
  let sent: object = {};
  const { load } = await serve((request, response) => {
    sent = request.headers;
    response.setHeader("set-cookie", "a=b").end(picture);
  });
  await load();
  await load("/b");
  expect(Object.keys(sent).sort()).toEqual(["accept", "accept-encoding", "connection", "host", "user-agent"]);
});

test.each<[string, RequestListener]>([
  ["by its length", (_, response) => response.setHeader("content-length", 2000).end(Buffer.alloc(2000))],
  ["by what came", (_, response) => response.write(Buffer.alloc(600), () => response.end(Buffer.alloc(600)))],
])("more bytes than allowed end it: %s", async (_, answer) => {
  const { load, counted } = await serve(answer, { maxBytes: 1000 });
  expect(await load()).toMatchObject({ reason: "image_too_large", degraded: true });
  expect(Object.fromEntries(counted)).toEqual({ image_too_large: 1 });
});

test("a body without end is left after the limit, not read on", async () => {
  let sent = 0;
  const { load } = await serve(
    (_, response) => {
      const more = () => {
        if (response.destroyed) return;
        sent += 65_536;
        response.write(Buffer.alloc(65_536), () => setImmediate(more));
      };
      more();
    },
    { maxBytes: 1_000_000 },
  );
  expect(await load()).toMatchObject({ reason: "image_too_large" });
  expect(sent).toBeLessThan(16_000_000);
});

test.each<[string, RequestListener, string]>([
  ["404", (_, response) => response.writeHead(404).end(picture), "status 404"],
  ["204", (_, response) => response.writeHead(204).end(), "status 204"],
  ["206", (_, response) => response.writeHead(206).end(picture), "status 206"],
  ["a redirect to nowhere", (_, response) => response.writeHead(302).end(), "status 302"],
  ["a reset", (request) => request.socket.destroy(), "cannot be reached"],
  [
    "half a body",
    (_, response) =>
      response.setHeader("content-length", 9999).write(picture.subarray(0, 99), () => response.destroy()),
    "cannot be reached",
  ],
  ["no HTTP", (request) => request.socket.end("hello\r\n\r\n"), "cannot be reached"],
  ["endless headers", (_, response) => response.setHeader("a", "b".repeat(100_000)).end(), "cannot be reached"],
])("%s leaves the image out", async (_, answer, why) => {
  const { load, logged } = await serve(answer);
  expect(await load()).toMatchObject({ kind: "pass", reason: "image_unreachable", degraded: true });
  expect(logged[0]).toContain(why);
});

test("a packed body is not unpacked", async () => {
  const { load } = await serve((_, response) =>
    response.setHeader("content-encoding", "gzip").end(gzipSync(Buffer.alloc(100_000_000))),
  );
  expect(await load()).toMatchObject({ reason: "image_unreadable" });
});

test.each<[string, RequestListener]>([
  ["never answers", () => {}],
  [
    "sends a byte now and then",
    (_, response) => {
      const timer = setInterval(() => response.write("a"), 20);
      response.on("close", () => clearInterval(timer));
    },
  ],
])("a server that %s meets the time limit", async (_, answer) => {
  const { load } = await serve(answer, { timeoutMs: 200 });
  const from = performance.now();
  expect(await load()).toMatchObject({ reason: "image_timeout", degraded: true });
  expect(performance.now() - from).toBeLessThan(2000);
});

test("a name that is never resolved meets the time limit", async () => {
  const { images } = await open({ hosts: ["good.test"], timeoutMs: 100 }, () => new Promise(() => {}));
  expect(await images.load({ src: "https://good.test/" }, live)).toMatchObject({ reason: "image_timeout" });
});

test("a name that does not exist is unreachable", async () => {
  const { images, logged } = await open({ hosts: ["good.test"] }, names({}));
  expect(await images.load({ src: "https://good.test/" }, live)).toMatchObject({ reason: "image_unreachable" });
  expect(logged[0]).toContain("(ENOTFOUND)");
});

test("an abort ends it at once, with the signal's reason", async () => {
  const { load } = await serve(() => {});
  const stop = new AbortController();
  const loading = load("/a", stop.signal);
  setTimeout(() => stop.abort(new Error("enough")), 50);
  await expect(loading).rejects.toThrow("enough");
  await expect(load("/a", AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
});

test("not more than four images are read at a time, and none waits for ever", async () => {
  let open = 0;
  let most = 0;
  const { load } = await serve((_, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => response.end(picture, () => open--), 30);
  });
  const outcomes = await Promise.all(Array.from({ length: 12 }, (_, i) => load(`/${i}`)));
  expect(outcomes.every(({ kind }) => kind === "ok")).toBe(true);
  expect(most).toBe(4);
});

test("https holds the certificate against the name", async () => {
  const folder = mkdtempSync(join(tmpdir(), "images-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { ca, keystore } = makeCertificates(folder);
  const known = getCACertificates("default");
  setDefaultCACertificates([...known, await readFile(ca, "utf8")]);
  onTestFinished(() => setDefaultCACertificates(known));
  const pem = await readFile(keystore);
  const server = createServer({ key: pem, cert: pem }, (_, response) => response.end(picture));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const { images, logged } = await open(
    { hosts: ["localhost", "good.test"], ports: [port], networks: ["127.0.0.0/8"] },
    names({ localhost: ["127.0.0.1"], "good.test": ["127.0.0.1"] }),
  );
  expect(await images.load({ src: `https://localhost:${port}/` }, live)).toMatchObject({ kind: "ok" });
  expect(await images.load({ src: `https://good.test:${port}/` }, live)).toMatchObject({ reason: "image_unreachable" });
  expect(logged[0]).toContain("ERR_TLS_CERT_ALTNAME_INVALID");
});
