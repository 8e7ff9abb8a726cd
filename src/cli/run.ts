import { resolve } from "node:path";
import { Command } from "commander";
import type { ConfigText } from "../config/index.ts";
import { showProblem } from "../config/index.ts";
import { Fault } from "../errors.ts";
import { runPipeline } from "../flow/run.ts";
import type { Metrics } from "../metrics/index.ts";
import { openPipeline } from "../open.ts";
import { packageVersion } from "../package-root.ts";
import { checkConfig, planOrThrow } from "../plan.ts";
import { printable } from "../printable.ts";
import { createProbes, type HttpConfig, type Probes, startServer } from "../serve/index.ts";
import { readConfig } from "./config-file.ts";
import { flowLog, together } from "./flow-log.ts";
import { listening } from "./listening.ts";
import { logsOf } from "./logger.ts";
import { stopOnSignals } from "./signals.ts";
import { tell } from "./tell.ts";

interface RunFlags {
  readonly input?: string;
  readonly output?: string;
  readonly verbose?: boolean;
}

const notes = `
Examples:
  starling run                                                  the sample posts
  starling run --input posts.ndjson --output entities.ndjson    your posts, through the model that comes with the package
  starling run pipeline.yaml                                    your pipeline
A post is one JSON object a line, such as {"id": "1", "text": "Ada Lovelace in London"}. What cannot be handled goes to the
config's deadLetters and is counted on standard error. docs/configuration.md tells the rest.`;

export function runCommand(): Command {
  return new Command("run")
    .argument("[config]", "pipeline to run; without it, the one that comes with the package")
    .option(
      "-i, --input <path>",
      "posts to read instead of the config's source: a file, a folder of .ndjson, or - for standard input",
    )
    .option(
      "-o, --output <path>",
      "file to write instead of the config's sink, begun anew where it exists, or - for standard output",
    )
    .option("--verbose", "log what plugins say, and show stacks of faults")
    .addHelpText("after", notes)
    .action(run);
}

async function run(file: string | undefined, flags: RunFlags): Promise<void> {
  const signal = stopOnSignals();
  const text = withFlags(await readConfig(file), flags);
  const checked = await checkConfig(text, {
    toRun: true,
    flags: { ...(flags.input && { source: "--input" }), ...(flags.output && { sink: "--output" }) },
  });
  const plan = planOrThrow(text, checked);
  for (const warning of checked.warnings)
    process.stderr.write(`warning: ${printable(text.redact(showProblem(warning)))}\n`);
  const logs = await logsOf(text, flags.verbose ?? false, plan.log);
  const letters = logs.note && flowLog(logs.note);
  let lettersAt = plan.deadLetters!.plugin.name;
  const summary = await observed(plan.http, listening(logs), async (probes, metrics) => {
    const pipeline = await openPipeline(plan, { ...logs, ...metrics });
    try {
      lettersAt = pipeline.deadLetters.place ?? lettersAt;
      probes.running(pipeline.source, signal);
      metrics?.opened(pipeline);
      const { version, stages } = pipeline;
      logs.log("flow", "running", { pipeline: version, stages: stages.map(({ name }) => name) });
      signal.addEventListener("abort", () => logs.log("flow", "stopping"), { once: true });
      const observe = together(metrics?.observe, metrics && { started: probes.started }, letters);
      return await runPipeline(pipeline, { signal, ...(observe && { observe }) });
    } finally {
      letters?.end();
      await pipeline.close();
    }
  });
  const { passed: _, failed: __, ...ended } = summary;
  logs.log("flow", "ended", ended);
  if (flags.verbose || process.stderr.isTTY || summary.deadLettered > 0)
    process.stderr.write(`${tell(summary, lettersAt)}\n`);
}

/**
 * Answers probes and scrapers from before the pipeline opens until after it has closed, so that a stop can be watched to
 * its end. Nothing is measured where nobody can ask.
 */
async function observed<T>(
  http: HttpConfig | undefined,
  tellAddress: ReturnType<typeof listening>,
  work: (probes: Probes, metrics?: Metrics) => Promise<T>,
): Promise<T> {
  const probes = createProbes(http);
  if (http === undefined) return work(probes);
  const { createMetrics, metricsPage } = await import("../metrics/index.ts");
  const metrics = createMetrics({ version: packageVersion, ready: probes.ready });
  const routes = { ...probes.routes, "/metrics": metricsPage(metrics) };
  const server = await startServer(http, routes);
  tellAddress(server.url, Object.keys(routes));
  try {
    return await work(probes, metrics);
  } finally {
    await server.close();
  }
}

/** `--input` and `--output` stand for the built-in file source and sink; their paths start where the user is. */
function withFlags(text: ConfigText, { input, output }: RunFlags): ConfigText {
  refuseEmpty({ "--input": input, "--output": output });
  const place = (path: string) => (path === "-" ? path : resolve(path));
  const value = {
    ...(text.value as Record<string, unknown>),
    ...(input !== undefined && { source: { use: "source-file", options: { path: place(input) } } }),
    ...(output !== undefined && { sink: { use: "sink-file", options: { path: place(output) } } }),
  };
  return input === undefined && output === undefined ? text : { ...text, value };
}

/** An empty path, as a variable of the shell leaves it that is not set, would mean the folder where the user is. */
function refuseEmpty(flags: Readonly<Record<string, string | undefined>>): void {
  for (const [flag, path] of Object.entries(flags))
    if (path === "")
      throw new Fault("USAGE", { what: `${flag} is empty`, help: "name a path, or - for the terminal or a pipe" });
}
