import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EntityEvent } from "starling-ner";
import { describe, expect, test } from "vitest";
import { dashboards } from "../../scripts/dashboards/all.ts";
import { parseConfigText } from "../../src/config/index.ts";
import { driftSchema, metricsOf, openDrift } from "../../src/drift/index.ts";
import { planConfig } from "../../src/plan.ts";
import { startServer } from "../../src/serve/server.ts";
import { configFile, plugin, root, start } from "../end-to-end/starling.ts";
import { freePorts } from "../kafka/free-ports.ts";
import { noPrometheus } from "./missing.ts";
import { startPrometheus } from "./server.ts";

const model = join(root, "models/default");
const missing = noPrometheus || (existsSync(join(model, "manifest.json")) ? false : "models/default is not there");

/** Runs the command line on a pipeline with the model of the package, until it is disposed of. */
async function startWorker() {
  const [port] = await freePorts(1);
  const config = configFile(`
http: { port: ${port} }
resources:
  tagger: { use: tagger-onnx, options: { model: "${model}", processes: 1 } }
  chat: { use: "${plugin("told-chat")}" }
source: { use: "${plugin("told-source")}" }
stages:
  - { use: draft, batch: 8, waitMs: 5 }
  - { use: "${plugin("told-stage")}", batch: 8, waitMs: 5 }
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
  writeFileSync(join(dirname(file), "labels.ndjson"), lines(events.map(label)));
  const section = { events: { files: [file] }, feedback: { files: ["labels.ndjson"] }, model };
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
    const firing = await prometheus.query('ALERTS{alertstate="firing"}');
    expect(firing.map(({ metric }) => metric.alertname)).toEqual([]);
  });
});
