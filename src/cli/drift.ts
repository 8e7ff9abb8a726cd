import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { type ConfigText, configInvalid, problemAt, validate } from "../config/index.ts";
import {
  type DriftSection,
  driftSchema,
  metricsOf,
  openDrift,
  readAnswer,
  readReference,
  reportPage,
  type Told,
  tellLines,
  tellWorker,
} from "../drift/index.ts";
import { Fault } from "../errors.ts";
import { type Plan, planConfig } from "../plan.ts";
import { createProbes, json } from "../serve/index.ts";
import { startServer } from "../serve/server.ts";
import { readConfig } from "./config-file.ts";
import { listening } from "./listening.ts";
import { logsOf } from "./logger.ts";
import { stopOnSignals } from "./signals.ts";

interface ReportFlags {
  readonly from?: string;
  readonly model?: string;
  readonly out: string;
}

const notes = `
The config's section "drift:" names the events, the labels, and the model they are held against. Topics are followed until a
signal comes, with /metrics, /report, /live and /ready where the config has "http:"; files are read to their end, and what
was found is printed. docs/drift.md tells what is measured.`;

const reportNotes = `
Of a config that reads files: reads them. Of one that follows topics: from its store, also while starling drift runs.
With --from: from a running starling drift, such as --from http://127.0.0.1:8081; or from the metrics of a worker, which
hold sums since it started and no labels.`;

export function driftCommand(): Command {
  return new Command("drift")
    .argument("[config]", "says where events and labels are")
    .option("--json", "of files: one JSON object instead of lines for people")
    .option("--verbose", "log what happens, and show stacks of faults")
    .addHelpText("after", notes)
    .action(drift)
    .addCommand(
      new Command("report")
        .description("write one HTML page with plots")
        .argument("[config]", "as for starling drift")
        .option("--from <url>", "a running starling drift, or a worker, to ask instead")
        .option("--model <folder>", "model of that worker, to hold it against")
        .option("-o, --out <path>", "the page", "drift.html")
        .option("--verbose", "show stacks of faults")
        .addHelpText("after", reportNotes)
        .action(report),
    );
}

async function drift(config: string | undefined, { json: asJson, verbose }: { json?: boolean; verbose?: boolean }) {
  const signal = stopOnSignals();
  const { plan, section } = await planned(config);
  const logs = await logsOf(plan.text, verbose ?? false, plan.log);
  const open = await openDrift({
    plan,
    section,
    warn: (message, fields) => logs.warn("drift", message, fields),
    log: logs.log,
  });
  try {
    await served({ plan, open, signal, listening: listening(logs) }, () => open.read(signal));
    if (section.events.topics === undefined && !signal.aborted) {
      const told = open.watch.tell();
      process.stdout.write(asJson ? `${JSON.stringify(told)}\n` : `${tellLines(told).join("\n")}\n`);
    }
  } finally {
    open.close();
  }
}

type Open = Awaited<ReturnType<typeof openDrift>>;

interface Serving {
  readonly plan: Plan;
  readonly open: Open;
  readonly signal: AbortSignal;
  readonly listening: ReturnType<typeof listening>;
}

/** Answers from before anything is read until the last is kept. */
async function served({ plan, open, signal, listening }: Serving, work: () => Promise<void>): Promise<void> {
  if (plan.http === undefined) return work();
  const probes = createProbes(plan.http);
  const told = atMostEvery(1000, () => open.watch.tell());
  probes.running(open, signal);
  const { processRegistry } = await import("../metrics/process.ts");
  const own = processRegistry();
  const routes = {
    ...probes.routes,
    "/metrics": async () => ({ status: 200, ...(await metricsOf(told(), own)) }),
    "/report": () => json(200, told()),
  };
  const server = await startServer(plan.http, routes);
  listening(server.url, Object.keys(routes));
  try {
    await work();
  } finally {
    await server.close();
  }
}

/** Reading the windows is work: however many ask, they are read at most so often, in milliseconds. */
function atMostEvery<T>(ms: number, make: () => T): () => T {
  let [made, at] = [undefined as T | undefined, 0];
  return () => {
    if (made === undefined || performance.now() - at > ms) [made, at] = [make(), performance.now()];
    return made;
  };
}

async function report(config: string | undefined, { from, model, out }: ReportFlags): Promise<void> {
  if ((config === undefined) === (from === undefined))
    throw new Fault("USAGE", { what: "a report is of a config or --from a running process", help: "name one of them" });
  const told = from === undefined ? await ofConfig(config!) : await ofProcess(from, model);
  const html = await reportPage(told);
  try {
    await writeFile(out, html);
  } catch (cause) {
    throw new Fault("OUTPUT_FAILED", { output: out, reason: (cause as Error).message }, { cause });
  }
  process.stderr.write(`${out} written\n`);
}

async function ofConfig(config: string): Promise<Told> {
  const signal = stopOnSignals();
  const { plan, section } = await planned(config);
  const { warn, log } = await logsOf(plan.text, false);
  const topics = section.events.topics !== undefined;
  const parts = {
    plan,
    section,
    warn: (message: string, fields: Readonly<Record<string, string>>) => warn("drift", message, fields),
    log,
  };
  const open = await openDrift({ ...parts, readOnly: topics });
  try {
    if (!topics) await open.read(signal);
    return open.watch.tell();
  } finally {
    open.close();
  }
}

/** A running starling drift tells all; a worker has its metrics. */
async function ofProcess(from: string, model: string | undefined): Promise<Told> {
  if (!/^https?:/.test(URL.parse(from)?.protocol ?? ""))
    throw new Fault("INPUT_INVALID", { input: from, reason: "it is no address such as http://127.0.0.1:8081" });
  const report = await page(from, "/report");
  if (report !== undefined) return readAnswer(report, from);
  const metrics = await page(from, "/metrics");
  if (metrics === undefined)
    throw new Fault("INPUT_INVALID", { input: from, reason: "it has neither /report nor /metrics" });
  if (!/^ner_build_info\{/m.test(metrics))
    throw new Fault("INPUT_INVALID", { input: from, reason: "its /metrics are not those of a worker" });
  const reference = await readReference(model && resolve(model));
  return tellWorker(metrics, { reference, section: { support: 200 }, now: Date.now() });
}

/** What a page says; undefined where there is none. Throws INPUT_INVALID where nothing answers to the end. */
async function page(from: string, path: string): Promise<string | undefined> {
  try {
    const url = new URL(from);
    // Behind a proxy it may have a path of its own; who names one of its pages means the same.
    url.pathname = url.pathname.replace(/(\/(report|metrics))?\/*$/, path);
    const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
    return answer.ok ? await answer.text() : undefined;
  } catch (cause) {
    const { message, cause: below } = cause as Error;
    const why = (below as Error | undefined)?.message ?? message;
    throw new Fault("INPUT_INVALID", { input: from, reason: `it gives no answer (${why})` }, { cause });
  }
}

async function planned(config: string | undefined): Promise<{ readonly plan: Plan; readonly section: DriftSection }> {
  if (config === undefined)
    throw new Fault("USAGE", {
      what: "no config",
      help: 'name one with a section "drift:"; docs/drift.md has examples',
    });
  const plan = await planConfig(await readConfig(config), { toRun: false });
  return { plan, section: sectionOf(plan.text, plan.sections.drift) };
}

function sectionOf(text: ConfigText, section: unknown): DriftSection {
  if (section === undefined)
    throw configInvalid(text, [
      problemAt(text, [], "CONFIG_KEY_MISSING", { key: "drift", expected: "{ events: { topics: […] } }" }),
    ]);
  const checked = validate(driftSchema, section, text, ["drift"]);
  if (!("value" in checked)) throw configInvalid(text, checked.problems);
  return checked.value;
}
