import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EntityEvent } from "starling-ner";
import { describe, expect, test } from "vitest";
import { dashboards } from "../../scripts/dashboards/all.ts";
import { parseConfigText } from "../../src/config/index.ts";
import { startDevLlm } from "../../src/dev-llm/index.ts";
import { driftSchema, metricsOf, openDrift } from "../../src/drift/index.ts";
import { planConfig } from "../../src/plan.ts";
import { startServer } from "../../src/serve/server.ts";
import { configFile, plugin, root, start } from "../end-to-end/starling.ts";
import { freePorts } from "../kafka/free-ports.ts";
import { noPrometheus } from "./missing.ts";
import { startPrometheus } from "./server.ts";

const model = join(root, "models/default");
const missing = noPrometheus || (existsSync(join(model, "manifest.json")) ? false : "models/default is not there");

/**
 * Runs the command line on a whole pipeline with the model of the package, until it is disposed of; the language model is
 * a real server without a model, which has no time for every ninth question or so.
 */
async function startWorker() {
  const [port] = await freePorts(1);
  const llm = await startDevLlm({ script: [{ chance: 0.11, fault: "failed" }] });
  const config = configFile(`
http: { port: ${port} }
resources:
  tagger: { use: tagger-onnx, options: { model: "${model}", processes: 1, maxSubwords: 24 } }
  bank: { use: bank-file, options: { path: "${join(root, "banks/default.ndjson")}" } }
  llm: { use: chat-openai, options: { model: small, baseURL: "${llm.url}", price: { inputUsd: 1, outputUsd: 4 } } }
  chat: { use: chat-guard, options: { chat: llm, backoffMs: 10, budget: { usdPerDay: 5, file: budget.sqlite } } }
source: { use: "${plugin("told-source")}" }
stages:
  - { use: draft, batch: 8, waitMs: 5 }
  - { use: "${plugin("told-stage")}", batch: 8, waitMs: 5 }
  - { use: retriever-msea, batch: 8, options: { cache: . } }
  - { use: gate, options: { mode: always } }
  - { use: knowledge-chat, batch: 4, concurrency: 16, options: { chat: chat, reposts: { size: 0 } } }
  - { use: final, batch: 8, waitMs: 5 }
sink: { use: sink-file, options: { path: events.ndjson, format: ndjson } }
deadLetters: { use: sink-file, options: { path: dead.ndjson, format: ndjson } }
`);
  const { child, ended } = start(["run", config], { cwd: dirname(config) });
  const events = join(dirname(config), "events.ndjson");
  const written = () =>
    existsSync(events)
      ? readFileSync(events, "utf8")
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line) as EntityEvent)
      : [];
  return {
    address: `127.0.0.1:${port}`,
    /** The first so many events. */
    async events(count: number) {
      for (let tries = 0; written().length < count; tries++) {
        if (tries > 300 || child.exitCode !== null) throw new Error(`no ${count} events: ${(await ended).stderr}`);
        await sleep(200);
      }
      return written();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      expect((await ended).code).toBe(0);
      await llm.close();
    },
  };
}

/** `starling drift` over what the worker has written, and labels that agree with all of it but the first entities. */
async function startDrift(events: readonly EntityEvent[]) {
  const label = ({ key, entities }: EntityEvent) => ({
    schema: "starling.feedback/1",
    key,
    entities: entities.slice(1).map(({ start, end, type }) => ({ start, end, type })),
    labelledAt: new Date().toISOString(),
  });
  const lines = (values: readonly object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
  const file = configFile(lines(events));
  writeFileSync(join(dirname(file), "labels.ndjson"), lines(events.filter(({ final }) => final).map(label)));
  const section = {
    events: { files: [file] },
    feedback: { files: ["labels.ndjson"] },
    model,
    support: 50,
    population: { posts: 400 },
  };
  const text = parseConfigText(JSON.stringify({ drift: section }), join(dirname(file), "drift.yaml"), {});
  const plan = await planConfig(text, { toRun: false });
  const open = await openDrift({ plan, section: driftSchema.parse(section), warn: () => {} });
  await open.read(new AbortController().signal);
  const page = async () => ({ status: 200, ...(await metricsOf(open.watch.tell())) });
  const server = await startServer({ port: 0, host: "127.0.0.1" }, { "/metrics": page });
  return {
    address: new URL(server.url).host,
    async [Symbol.asyncDispose]() {
      await server.close();
      open.close();
    },
  };
}

describe.skipIf(missing)(`a real Prometheus${missing ? ` (${missing})` : ""}`, () => {
  test("has numbers for every query of every panel after a real run", { timeout: 120_000 }, async () => {
    await using worker = await startWorker();
    await using drift = await startDrift(await worker.events(600));
    const jobs = { starling: worker.address, "starling-drift": drift.address };
    await using prometheus = await startPrometheus(jobs, join(root, "deploy/prometheus/rules.yml"));
    const queries = dashboards.flatMap(({ title, panels }) =>
      panels.flatMap((panel) => panel.queries.map(([expr]) => ({ where: `${title}, ${panel.title}`, expr }))),
    );
    const empty = async () => {
      const answers = await Promise.all(
        queries.map(async ({ where, expr }) => {
          const samples = await prometheus.query(expr.replaceAll("$__rate_interval", "10s"));
          return samples.some(({ value }) => Number.isFinite(value)) ? [] : [`${where}: ${expr}`];
        }),
      );
      return answers.flat();
    };
    let without = await empty();
    for (let tries = 0; without.length > 0 && tries < 20; tries++) {
      await sleep(1000);
      without = await empty();
    }
    expect(without).toEqual([]);
    expect(queries.length).toBeGreaterThan(60);
    expect(await prometheus.query("up == 0")).toEqual([]);
    const traces = new Set(await prometheus.traces("ner_event_duration_seconds_bucket"));
    expect(traces).toEqual(new Set(["4bf92f3577b34da6a3ce929d0e0e4736"]));
    // How quick the posts are is the machine's affair.
    const firing = await prometheus.query('ALERTS{alertstate="firing", alertname!~".*LatencyBudget.*"}');
    expect(firing.map(({ metric }) => metric.alertname)).toEqual([]);
  });
});
