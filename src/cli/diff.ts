import { resolve } from "node:path";
import { Command, Option } from "commander";
import { diffResults, type PairBy, recordsOfFile, recordsOfTopic, resultsOf, tellSummary } from "../diff/index.ts";
import { Fault } from "../errors.ts";
import type { LogClient } from "../log/index.ts";
import { logUseOf, openLog } from "../log/of-plan.ts";
import { planConfig } from "../plan.ts";
import { readConfig } from "./config-file.ts";
import { stopOnSignals } from "./signals.ts";

interface DiffFlags {
  readonly config?: string;
  readonly client?: string;
  readonly by: PairBy;
  readonly summary?: boolean;
}

const notes = `
Places: a file of events (.ndjson, plain or gzip), or topic:NAME, which needs a config that says how to reach the log.
Standard output: one JSON object for each post whose entities differ, and with --summary the counts alone, as one object.`;

export function diffCommand(): Command {
  return new Command("diff")
    .argument("<before>", "events of one run")
    .argument("<after>", "events of another over the same posts")
    .option("-c, --config <file>", "config that says how to reach the log")
    .option("--client <name>", "resource of the config to reach the log by, where it has several")
    .addOption(new Option("--by <pair>", "what makes two posts the same").choices(["origin", "post"]).default("origin"))
    .option("--summary", "print only the counts")
    .option("--verbose", "show stacks of faults")
    .addHelpText("after", notes)
    .action(diff);
}

async function diff(before: string, after: string, { config, client, by, summary }: DiffFlags): Promise<void> {
  const signal = stopOnSignals();
  const topics = [before, after].some((place) => topicOf(place) !== undefined);
  if (!topics) return compareEvents({ before, after, by, summary: summary ?? false, signal });
  if (config === undefined)
    throw new Fault("USAGE", {
      what: "reading a topic needs a config that says how to reach the log",
      help: "name it with --config",
    });
  const plan = await planConfig(await readConfig(config), { toRun: false });
  const log = await openLog(plan, client ?? logUseOf(plan.sink)?.client ?? logUseOf(plan.source)?.client);
  try {
    await compareEvents({ before, after, by, summary: summary ?? false, signal, log: log.client });
  } finally {
    await log.close();
  }
}

export interface Comparison {
  readonly before: string;
  readonly after: string;
  readonly by: PairBy;
  readonly summary: boolean;
  readonly signal: AbortSignal;
  readonly log?: LogClient;
}

/** Prints how the events of two places differ: each post to standard output, the counts to standard error. */
export async function compareEvents({ before, after, by, summary, signal, log }: Comparison): Promise<void> {
  const read = (place: string) => {
    const topic = topicOf(place);
    return resultsOf(topic === undefined ? recordsOfFile(resolve(place)) : recordsOfTopic(log!, topic, signal), by);
  };
  const [had, has] = [await read(before), await read(after)];
  // Half of a topic would look like lost posts.
  if (signal.aborted) throw new Fault("USAGE", { what: "stopped before everything was read", help: "run it again" });
  const counts = diffResults(had.results, has.results, (difference) => {
    if (!summary) process.stdout.write(`${JSON.stringify(difference)}\n`);
  });
  const unreadable = { before: had.unreadable, after: has.unreadable };
  if (summary) process.stdout.write(`${JSON.stringify({ ...counts, unreadable })}\n`);
  process.stderr.write(`${tellSummary(counts)}\n`);
  if (unreadable.before + unreadable.after > 0)
    process.stderr.write(`${unreadable.before} records before and ${unreadable.after} after are no events\n`);
}

export const topicOf = (place: string): string | undefined => /^topic:(.+)$/.exec(place)?.[1];
