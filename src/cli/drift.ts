import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { type ConfigText, configInvalid, problemAt, validate } from "../config/index.ts";
import {
  type DriftSection,
  driftSchema,
  metricsOf,
  openDrift,
  reportPage,
  type Told,
  tellLines,
} from "../drift/index.ts";
import { Fault } from "../errors.ts";
import { type Plan, planConfig } from "../plan.ts";
import { createProbes, json } from "../serve/index.ts";
import { startServer } from "../serve/server.ts";
import { readConfig } from "./config-file.ts";
import { logsOf } from "./logger.ts";
import { stopOnSignals } from "./signals.ts";

interface ReportFlags {
  readonly from?: string;
  readonly out: string;
}

const notes = `
The config's section "drift:" names the events, the labels, and the model they are held against. Topics are followed until a
signal comes, with /metrics, /report, /live and /ready where the config has "http:"; files are read to their end, and what
was found is printed. docs/drift.md tells what is measured.`;

const reportNotes = `
Of a config that reads files: reads them. Of one that follows topics: from its store, also while starling drift runs.
With --from: from a running starling drift, such as --from http://127.0.0.1:8081`;

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
        .option("--from <url>", "a running starling drift to ask instead")
        .option("-o, --out <path>", "the page", "drift.html")
        .option("--verbose", "show stacks of faults")
        .addHelpText("after", reportNotes)
        .action(report),
    );
}

async function drift(config: string | undefined, { json: asJson, verbose }: { json?: boolean; verbose?: boolean }) {
  const signal = stopOnSignals();
  const { plan, section } = await planned(config);
  const { log, warn } = await logsOf(plan.text, verbose ?? false);
  const open = await openDrift({ plan, section, warn: (message, fields) => warn("drift", message, fields), log });
  try {
    await served(plan, open, signal, () => open.read(signal));
    if (section.events.topics === undefined && !signal.aborted) {
      const told = open.watch.tell();
      process.stdout.write(asJson ? `${JSON.stringify(told)}\n` : `${tellLines(told).join("\n")}\n`);
    }
  } finally {
    open.close();
  }
}

type Open = Awaited<ReturnType<typeof openDrift>>;

/** Answers from before anything is read until the last is kept. */
async function served(plan: Plan, open: Open, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  if (plan.http === undefined) return work();
  const probes = createProbes(plan.http);
  probes.running(open, signal);
  const server = await startServer(plan.http, {
    ...probes.routes,
    "/metrics": async () => ({ status: 200, ...(await metricsOf(open.watch.tell())) }),
    "/report": () => json(200, open.watch.tell()),
  });
  try {
    await work();
  } finally {
    await server.close();
  }
}

async function report(config: string | undefined, { from, out }: ReportFlags): Promise<void> {
  if ((config === undefined) === (from === undefined))
    throw new Fault("USAGE", { what: "a report is of a config or --from a running process", help: "name one of them" });
  const told = from === undefined ? await ofConfig(config!) : await ofProcess(from);
  try {
    await writeFile(out, await reportPage(told));
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

async function ofProcess(from: string): Promise<Told> {
  try {
    const answer = await fetch(new URL("/report", from), { signal: AbortSignal.timeout(30_000) });
    const told = (await answer.json()) as Told;
    if (told.schema === "starling.drift/1") return told;
    throw new Error(`status ${answer.status}, and no report`);
  } catch (cause) {
    throw new Fault("INPUT_MISSING", { input: from, reason: (cause as Error).message }, { cause });
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
