import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { configFile, plugin, starling, start, tinyConfig } from "./starling.ts";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/** Status and body of a page; undefined where nobody answers. */
async function page(port: number, path: string) {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
    return { status: answer.status, ...((await answer.json()) as { phase?: string; reasons?: readonly string[] }) };
  } catch {
    return undefined;
  }
}

async function until(what: () => Promise<boolean>) {
  for (let i = 0; i < 200; i++) {
    if (await what()) return;
    await sleep(25);
  }
  expect.unreachable("it did not come to that");
}

test("/live and /ready answer while a pipeline runs, and until what was read is finished", async () => {
  const port = await freePort();
  const slow = `  - { use: "${plugin("odd-stage")}", timeoutMs: 5000, options: { tookMs: 800 } }`;
  const config = configFile(
    `http: { port: ${port} }\n${tinyConfig({ source: `{ use: "${plugin("ticker")}" }`, stages: slow })}`,
  );
  const { child, ended } = start(["run", config]);
  await until(async () => (await page(port, "/ready"))?.status === 200);
  expect(await page(port, "/live")).toMatchObject({ status: 200, phase: "running" });
  const metricsNow = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const metrics = await metricsNow();
  expect(metrics).toMatch(/^ner_ready 1$/m);
  expect(metrics).toMatch(/^ner_build_info\{version="\d+\.\d+\.\d+"\} 1$/m);
  expect(metrics).toMatch(/^ner_model_info\{model_version="tiny-1",.*provider="cpu",precision="fp32"\} 1$/m);
  expect(metrics).toMatch(/^ner_posts_inflight [1-9]\d*$/m);
  child.kill("SIGTERM");
  await until(async () => (await page(port, "/live"))?.phase === "stopping");
  expect(await page(port, "/ready")).toMatchObject({ status: 503, reasons: ["the pipeline is stopping"] });
  expect(await metricsNow()).toMatch(/^ner_ready 0$/m);
  const { code, stderr } = await ended;
  const [, given, settled] = /given (\d+), settled (\d+)/.exec(stderr) ?? [];
  expect([code, settled]).toEqual([0, given]);
  expect(await page(port, "/live")).toBeUndefined();
});

test("/ready says no where a post is in flight for too long, whatever the source", async () => {
  const port = await freePort();
  const slow = `  - { use: "${plugin("odd-stage")}", batch: 512, timeoutMs: 5000, options: { tookMs: 1500 } }`;
  const config = configFile(
    `http: { port: ${port}, oldestMs: 300 }\n${tinyConfig({ source: `{ use: "${plugin("ticker")}" }`, stages: slow })}`,
  );
  const { child, ended } = start(["run", config]);
  const late = /^the oldest post in flight is \d+ s old, more than 0\.3 s$/;
  await until(async () => late.test((await page(port, "/ready"))?.reasons?.[0] ?? ""));
  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);
});

test("where it listens is told on standard error, also of a free port; nothing but events is on standard output", async () => {
  const input = '{"id":"1","text":"Adele sings"}\n';
  const { code, stdout, stderr } = await starling(["run", configFile(`http: { port: 0 }\n${tinyConfig()}`)], { input });
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/^listening on http:\/\/127\.0\.0\.1:[1-9]\d* \(.*\/metrics\)\n$/),
  ]);
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).postId),
  ).toEqual(["1"]);
  const verbose = await starling(["run", configFile(`http: { port: 0 }\n${tinyConfig()}`), "--verbose"], { input });
  expect(verbose.stderr).not.toMatch(/^listening/m);
  expect(verbose.stderr).toMatch(/^\{.*"address":"http:\/\/127\.0\.0\.1:[1-9]\d*",.*"msg":"listening"\}$/m);
});

test("a port that is taken keeps the pipeline from starting, with a sentence", async () => {
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, "127.0.0.1", done));
  const { port } = taken.address() as { port: number };
  const { code, stdout, stderr } = await starling(["run", configFile(`http: { port: ${port} }\n${tinyConfig()}`)], {
    input: '{"id":"1","text":"Adele sings"}\n',
  });
  await new Promise((done) => taken.close(done));
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(
    new RegExp(`^starling: cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*\\[HTTP_LISTEN\\]\n$`),
  );
});

test("a section that makes no sense is refused, with what was meant", async () => {
  const { code, stderr } = await starling(["check", configFile(`http: { port: 70000, hots: a }\n${tinyConfig()}`)]);
  expect(code).toBe(2);
  expect(stderr).toContain('nothing reads the key "hots"; did you mean "host"?');
});
