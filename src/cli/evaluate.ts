import { Command, Option } from "commander";
import { Fault } from "../errors.ts";
import { type EvaluateSection, evaluateSchema, report, runEvaluation, sectionOf, show } from "../evaluate/index.ts";
import { modelConfig } from "../evaluate/model-plan.ts";
import { type Plan, planConfig } from "../plan.ts";
import { readConfig } from "./config-file.ts";
import { gatePlaces, writeGate, writeReport } from "./evaluate-files.ts";
import { stopOnSignals } from "./signals.ts";

interface EvaluateFlags {
  readonly model?: string;
  readonly data?: string;
  readonly format?: string;
  readonly knowledge?: string;
  readonly captions?: string;
  readonly train?: string;
  readonly valid?: string;
  readonly precision?: string;
  readonly tagger?: string;
  readonly rounds?: string;
  readonly seed?: string;
  readonly json?: boolean;
  readonly gate?: boolean;
  readonly plot?: string;
  readonly save?: string;
  readonly out?: string;
}

const notes = `
A config says what to score in its section "evaluate:". Without one, --model and --data are enough:
  starling evaluate --model models/default --data valid.txt --train train.txt
Data: CoNLL (token<TAB>BIO2 tag, blank line between samples, optional IMGID: lines), or posts with labels (.ndjson).
--gate needs a config with draft, gate, a knowledge stage and final.
An entity is right where its first and last word and its type are. docs/evaluate.md tells how scores are made.`;

export function evaluateCommand(): Command {
  return new Command("evaluate")
    .argument("[config]", "pipeline to score; or leave it out and name --model and --data")
    .option("-m, --model <folder>", "model to score without a config")
    .option("-d, --data <file>", "data with marked entities")
    .addOption(new Option("--format <format>", "of the data; by default its name decides").choices(["conll", "posts"]))
    .option("--knowledge <file>", "knowledge for the data: recorded answers, or PGIM's format")
    .option("--captions <file>", "captions for the data: <image file> :<caption>")
    .option("--train <file>", "what the model was trained on: tells seen from unseen entities; refused as data")
    .option("--valid <file>", "what the model was chosen on; refused as data")
    .addOption(new Option("--precision <precision>", "of the model").choices(["auto", "int8", "fp32"]))
    .addOption(new Option("--tagger <plugin>", "plugin that opens the model").default("tagger-onnx"))
    .option("--rounds <count>", "bootstrap rounds of the interval")
    .option("--seed <number>", "bootstrap seed")
    .option("--gate", "ask about every post, and tell F1 against the share of posts asked about")
    .option("--plot <file>", "with --gate: draw it, as .svg or .html")
    .option("--save <file>", "with --gate: write what gate's option curve reads")
    .option("--out <file>", "write the report, with the last two parts of the data's path alone")
    .option("--json", "one JSON object, on the last line")
    .option("--verbose", "show stacks of faults")
    .addHelpText("after", notes)
    .action(act);
}

async function act(config: string | undefined, flags: EvaluateFlags): Promise<void> {
  const signal = stopOnSignals();
  const places = gatePlaces(flags);
  const { plan, section } = config === undefined ? await fromFlags(flags) : await fromConfig(config, flags);
  const evaluation = await runEvaluation(plan, section, { gate: flags.gate === true, signal });
  const told = report(evaluation);
  if (flags.out !== undefined) await writeReport(flags.out, told);
  if (evaluation.gate) await writeGate(evaluation.gate, told, places);
  process.stdout.write(flags.json ? `${JSON.stringify(told)}\n` : `${show(told)}\n`);
}

interface Task {
  readonly plan: Plan;
  readonly section: EvaluateSection;
}

async function fromConfig(file: string, flags: EvaluateFlags): Promise<Task> {
  const foreign = Object.keys(flags).filter(
    (flag) => !["json", "verbose", "tagger", "gate", "plot", "save", "out"].includes(flag),
  );
  if (foreign.length > 0)
    throw new Fault("USAGE", {
      what: `--${foreign[0]} goes without a config`,
      help: 'write it into the section "evaluate:" of the config',
    });
  const plan = await planConfig(await readConfig(file), { toRun: false, purpose: "serve" });
  return { plan, section: sectionOf(plan.text, plan.sections.evaluate) };
}

async function fromFlags({ model, data, tagger, precision, ...flags }: EvaluateFlags): Promise<Task> {
  if (model === undefined || data === undefined)
    throw new Fault("USAGE", {
      what: "nothing to score",
      help: "name a config, or both --model FOLDER and --data FILE",
    });
  const { format, knowledge, captions, train, valid, rounds, seed } = flags;
  const section = evaluateSchema.safeParse({
    data: { path: data, format, knowledge, captions },
    train,
    valid,
    bootstrap: { rounds: rounds && Number(rounds), seed: seed && Number(seed) },
  });
  if (!section.success) {
    const { path, message } = section.error.issues[0]!;
    throw new Fault("USAGE", { what: `--${String(path.at(-1))}: ${message}`, help: "see starling evaluate --help" });
  }
  // There is no file to point into: opening tells what is wrong with the folder.
  const made = modelConfig({ folder: model, precision, use: tagger });
  const plan = await planConfig(made, { toRun: false, look: false });
  return { plan, section: section.data };
}
