import { resolve } from "node:path";
import { Command } from "commander";
import type { ConfigText } from "../config/index.ts";
import { showProblem } from "../config/index.ts";
import { runPipeline } from "../flow/run.ts";
import type { RunSummary } from "../flow/types.ts";
import type { Log } from "../host.ts";
import { openPipeline } from "../open.ts";
import { checkConfig, planOrThrow } from "../plan.ts";
import { printable, printableLines } from "../printable.ts";
import { readConfig } from "./config-file.ts";
import { stopOnSignals } from "./signals.ts";

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
    .option("-o, --output <path>", "file to write instead of the config's sink, or - for standard output")
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
  const pipeline = await openPipeline(plan, { log: await logger(text, flags.verbose ?? false) });
  try {
    const summary = await runPipeline(pipeline, { signal });
    if (flags.verbose || process.stderr.isTTY || summary.deadLettered > 0)
      process.stderr.write(`${tell(summary, pipeline.deadLetters.place ?? plan.deadLetters!.plugin.name)}\n`);
  } finally {
    await pipeline.close();
  }
}

/** `--input` and `--output` stand for the built-in file source and sink; their paths start where the user is. */
function withFlags(text: ConfigText, { input, output }: RunFlags): ConfigText {
  const place = (path: string) => (path === "-" ? path : resolve(path));
  const value = {
    ...(text.value as Record<string, unknown>),
    ...(input !== undefined && { source: { use: "source-file", options: { path: place(input) } } }),
    ...(output !== undefined && { sink: { use: "sink-file", options: { path: place(output) } } }),
  };
  return input === undefined && output === undefined ? text : { ...text, value };
}

/** JSON lines on standard error, without secrets; silent unless asked for, and only then is pino loaded. */
async function logger(text: ConfigText, verbose: boolean): Promise<Log> {
  if (!verbose) return () => {};
  const { pino } = await import("pino");
  const log = pino({}, { write: (line) => void process.stderr.write(printableLines(text.redact(line))) });
  return (plugin, message, fields) => log.info({ plugin, ...fields }, message);
}

/** `41 posts read, 40 answered, 1 dead-lettered to /srv/out/letters.ndjson (draft: STAGE_TIMEOUT 1)` */
function tell({ read, emitted, deadLettered, failed }: RunSummary, place: string): string {
  const reasons = Object.entries(failed).map(([stage, codes]) => {
    const counted = Object.entries(codes).map(([code, count]) => `${code} ${count}`);
    return `${stage}: ${counted.join(", ")}`;
  });
  const why = reasons.length > 0 ? ` (${reasons.join("; ")})` : "";
  const where = deadLettered > 0 ? ` to ${place}` : "";
  return `${read} ${read === 1 ? "post" : "posts"} read, ${emitted} answered, ${deadLettered} dead-lettered${where}${why}`;
}
