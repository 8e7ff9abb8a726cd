import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { ConfigText } from "../config/index.ts";
import { planConfig } from "../plan.ts";
import { conllPosts, isConll, recordingPlan, sourcePosts } from "../record/index.ts";
import { readConfig } from "./config-file.ts";
import { amount, type RecordFlags, refuseIdle } from "./knowledge-flags.ts";
import { alone, recordInto } from "./knowledge-record.ts";
import { readable } from "./knowledge-told.ts";
import { logsOf } from "./logger.ts";
import { wholeNumber } from "./numbers.ts";
import { stopOnSignals } from "./signals.ts";

const notes = `
Sends a corpus once through the stages of the config that make knowledge (captioner, draft, examples, LLM), and writes each answer
as one line of JSON, which knowledge-replay and training read. Posts recorded before are not asked again: start it again after a
stop, or for posts whose answer did not come. First it tells what the rest will cost; --estimate ends there.
With --batch the questions go to the server's Batch API: for less, and within a day. It can be stopped while it waits: started
again, it goes on with the same batch, which <output>.batches remembers.
  starling knowledge record pipeline.yaml --data train.txt --output knowledge.ndjson --max-usd 5`;

export function knowledgeCommand(): Command {
  const record = new Command("record")
    .description("ask an LLM of a corpus, once")
    .argument("<config>", "pipeline with a stage that gives knowledge")
    .requiredOption("-d, --data <file>", "posts (.ndjson) or CoNLL")
    .requiredOption("-o, --output <file>", "recorded answers; what it holds already is kept and not asked again")
    .option("--captions <file>", "captions for CoNLL: <image file> :<caption>")
    .option("--limit <count>", "posts to ask at most")
    .option(
      "--max-usd <amount>",
      "never spends more: stops where a call might; refuses to begin where the estimate is higher",
    )
    .option("--estimate", "tell what it would cost, and ask nothing")
    .option("--gate", "ask only of posts that the config's gate lets through")
    .addOption(
      new Option("--batch <when>", "ask by the server's Batch API; auto: one by one where it has none").choices([
        "always",
        "auto",
      ]),
    )
    .option("--batch-size <count>", "questions in one batch at most")
    .option("--batch-look <seconds>", "longest time between two looks at a batch (default: 60)")
    .option("--verbose", "log what plugins say, and show stacks of faults")
    .addHelpText("after", notes)
    .action(recordCorpus);
  return new Command("knowledge").addCommand(record);
}

async function recordCorpus(config: string, flags: RecordFlags): Promise<void> {
  const signal = stopOnSignals();
  refuseIdle(flags);
  const maxUsd = amount(flags.maxUsd);
  const limit = wholeNumber("--limit", flags.limit);
  const text = withData(await readConfig(config), flags.data);
  const plan = recordingPlan(await planConfig(text, { toRun: false, purpose: "serve" }), { gate: flags.gate ?? false });
  const logs = await logsOf(text, flags.verbose ?? false);
  const all = isConll(flags.data)
    ? await conllPosts(resolve(flags.data), flags.captions && resolve(flags.captions))
    : await readable(await sourcePosts(plan, logs.log, signal));
  const path = await realpath(flags.output).catch(() => resolve(flags.output));
  const work = () => recordInto(path, { plan, logs, all, flags, maxUsd, limit, signal });
  // An estimate writes nothing, so it may stand beside another run.
  await (flags.estimate ? work() : alone(path, work));
}

/** Posts of a file come by the built-in file source, with the pictures beside it. */
function withData(text: ConfigText, data: string): ConfigText {
  if (isConll(data)) return text;
  const source = { use: "source-file", options: { path: resolve(data) } };
  return { ...text, value: { ...(text.value as Record<string, unknown>), source } };
}
