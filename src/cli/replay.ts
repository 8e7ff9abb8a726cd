import { resolve } from "node:path";
import { Command } from "commander";
import type { ConfigText } from "../config/index.ts";
import { Fault } from "../errors.ts";
import { runPipeline } from "../flow/run.ts";
import { readable } from "../letters/index.ts";
import { parseBound } from "../log/index.ts";
import { logUseOf, openLog } from "../log/of-plan.ts";
import { openPipeline } from "../open.ts";
import { mapping } from "../plan/at.ts";
import { isTopic, topicsOf } from "../plan/topics.ts";
import { type Plan, planConfig } from "../plan.ts";
import { realFile } from "../real-file.ts";
import { readConfig } from "./config-file.ts";
import { compareEvents, topicOf } from "./diff.ts";
import { logsOf } from "./logger.ts";
import { stopOnSignals } from "./signals.ts";
import { tell } from "./tell.ts";
import { writtenAs } from "./written-as.ts";

interface ReplayFlags {
  readonly topics?: string;
  readonly from: string;
  readonly until: string;
  readonly into?: string;
  readonly output?: string;
  readonly deadLetters: string;
  readonly against?: string;
  readonly verbose?: boolean;
}

const notes = `
Bounds: earliest, latest, a time (2026-05-02T19:41:00Z), or offsets (posts/0:17,posts/1:4).
The consumer group of the config is not joined, and its offsets stay as they are. Wherever the config sends events and
dead letters otherwise, a replay sends them where these flags say.`;

export function replayCommand(): Command {
  return new Command("replay")
    .argument("<config>", "pipeline to send the posts through; its source says how to reach and read the topics")
    .option("--topics <names>", "topics to read, with commas between them, instead of the config's")
    .option("--from <bound>", "where to begin", "earliest")
    .option("--until <bound>", "where to end, and not further", "latest")
    .option("--into <topic>", "topic for the events")
    .option("-o, --output <path>", "file for the events instead")
    .option("--dead-letters <path>", "file that dead letters are added to", "replay-dead-letters.ndjson")
    .option("--against <place>", "afterwards tell how the events differ from those of this file, or of topic:NAME")
    .option("--verbose", "log what plugins say, and show stacks of faults")
    .addHelpText("after", notes)
    .action(replay);
}

async function replay(file: string, flags: ReplayFlags): Promise<void> {
  const signal = stopOnSignals();
  const text = await readConfig(file);
  const live = await planConfig(text, { toRun: false });
  const use = logUseOf(live.source);
  checkFlags(flags, live);
  if (flags.against !== undefined) await checkBaseline(flags.against, flags);
  const plan = await planConfig(replayed(text, live, flags), { toRun: true });
  const pipeline = await openPipeline(plan, await logsOf(text, flags.verbose ?? false));
  try {
    process.stderr.write(
      `${tell(await runPipeline(pipeline, { signal }), pipeline.deadLetters.place ?? "the dead letters")}\n`,
    );
  } finally {
    await pipeline.close();
  }
  if (flags.against === undefined || signal.aborted) return;
  const log = await openLog(live, use!.client);
  try {
    const after = flags.output ?? `topic:${flags.into}`;
    await compareEvents({ before: flags.against, after, by: "origin", summary: false, signal, log: log.client });
  } finally {
    await log.close();
  }
}

const refuse = (what: string, help: string): never => {
  throw new Fault("USAGE", { what, help });
};

function checkFlags({ topics, from, until, into, output, against }: ReplayFlags, live: Plan): void {
  const use = logUseOf(live.source);
  if (use === undefined)
    refuse(
      `the source of ${live.text.file} reads no topics`,
      "replay files with starling run --input FILE --output FILE",
    );
  if ((into === undefined) === (output === undefined))
    refuse("events need one place to go", "name --into TOPIC or --output FILE");
  for (const [flag, bound] of Object.entries({ "--from": from, "--until": until }))
    if (parseBound(bound) === undefined)
      refuse(
        `${flag} ${bound} is no bound`,
        "take earliest, latest, a time such as 2026-05-02T19:41:00Z, or posts/0:17",
      );
  const taken = into === undefined ? undefined : takenAs(into, topics, live);
  if (taken !== undefined) refuse(`${into} is ${taken}`, "name another topic with --into");
  if (output === "-" && against !== undefined)
    refuse("--against prints to standard output, where the events go", "write them to a file");
}

/** Before anything is replayed: a baseline that is written to is a baseline no more. */
async function checkBaseline(against: string, { into, output, deadLetters }: ReplayFlags): Promise<void> {
  const topic = topicOf(against);
  if (topic !== undefined) {
    if (topic === into) refuse(`--into ${into} is the topic of --against`, "name another topic with --into");
    return;
  }
  await readable(resolve(against));
  const baseline = await realFile(resolve(against));
  for (const [flag, path] of Object.entries({ "--output": output, "--dead-letters": deadLetters }))
    if (path !== undefined && baseline !== undefined && (await realFile(resolve(path))) === baseline)
      refuse(`${flag} ${path} is the file of --against`, `name another file with ${flag}`);
}

/** What a topic is to the pipeline or to this replay already; events of a replay do not belong there. */
function takenAs(topic: string, topics: string | undefined, live: Plan): string | undefined {
  const { source } = live;
  const uses = (part: Plan["source"]) =>
    part === undefined ? [] : topicsOf(part).filter((use) => isTopic(topic, use.topic));
  const asked = topics === undefined ? undefined : withTopics(source!, namesIn(topics));
  if ([source, asked].flatMap(uses).some(({ how }) => how === "reads")) return "read and would be written";
  if (uses(source).length > 0) return "the retry topic";
  return writtenAs(topic, live);
}

/** Undefined where the source does not take them, as the plan will say. */
function withTopics(source: NonNullable<Plan["source"]>, topics: readonly string[]): Plan["source"] {
  const { success, data } = source.plugin.options.safeParse({ ...mapping(source.options), topics });
  return success ? { ...source, options: data } : undefined;
}

const namesIn = (topics: string): string[] => topics.split(",").map((topic) => topic.trim());

/** The config with another stretch to read, and other places to write to. It owns no port, and makes no transactions: it may be run again. */
function replayed(
  text: ConfigText,
  live: Plan,
  { topics, from, until, into, output, deadLetters }: ReplayFlags,
): ConfigText {
  const { http: _, delivery: __, ...value } = mapping(text.value);
  const source = mapping(value.source);
  const options = mapping(source.options);
  const named = topics === undefined ? {} : { topics: namesIn(topics) };
  return {
    ...text,
    value: {
      ...value,
      source: { ...source, options: { ...options, ...named, range: { from, until } } },
      sink: output === undefined ? intoTopic(value.sink, live, into!) : toFile(output),
      deadLetters: { use: "sink-file", options: { path: resolve(deadLetters), format: "ndjson", append: true } },
    },
  };
}

const toFile = (path: string) => ({
  use: "sink-file",
  options: { path: path === "-" ? path : resolve(path), format: "ndjson" },
});

/** The config's own sink with another topic, where it writes to one; else one that reaches the log as the source does. */
function intoTopic(sink: unknown, live: Plan, topic: string) {
  if (logUseOf(live.sink) === undefined)
    return { use: "sink-kafka", options: { client: logUseOf(live.source)!.client, topic } };
  return { ...mapping(sink), options: { ...mapping(mapping(sink).options), topic } };
}
