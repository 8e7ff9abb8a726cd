import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { configInvalid, problemAt, validate } from "../config/index.ts";
import { Fault } from "../errors.ts";
import { createHost } from "../host.ts";
import { makeFolder } from "../make-folder.ts";
import { type OpenParts, openParts } from "../open.ts";
import { type Plan, planConfig } from "../plan.ts";
import { type Tagger, type TaggerLearner, tagger as taggerPort } from "../tagger.ts";
import type { Card } from "../train/card.ts";
import { type TrainConfig, trainSchema } from "../train/config.ts";
import { stagesBefore } from "../train/inputs.ts";
import { whyNotSaved } from "../train/places.ts";
import { prepareData } from "../train/prepare.ts";
import { reporterFor } from "../train/progress.ts";
import { type OpenTagger, type Training, train } from "../train/train.ts";
import { readConfig } from "./config-file.ts";
import { stopOnSignals } from "./signals.ts";

interface TrainFlags {
  readonly seed?: number;
  readonly seeds?: readonly number[];
  readonly out?: string;
  readonly resume?: boolean;
  readonly limit?: number;
  readonly epochs?: number;
  readonly cards?: string;
}

const notes = `
config/train has configs that work; docs/train.md tells the keys of the section, and how a model is trained further.
Ctrl-C (SIGINT) stops after the step under way, with a checkpoint; --resume goes on from it.`;

export function trainCommand(): Command {
  return new Command("train")
    .argument("<config>", 'config with a section "train:"')
    .option("--seed <n>", "seed of the run, instead of the config's", count)
    .option("--seeds <list>", "one run for each seed, such as 1,2,3; model and checkpoints in folders seed-N", counts)
    .option("-o, --out <folder>", "where to save the model, instead of the config's place")
    .option("--resume", "go on from the newest checkpoint")
    .option("--limit <n>", "posts of each data set, at most", count)
    .option("--epochs <n>", "epochs, instead of the config's", count)
    .option("--cards <folder>", "also write the card there as NAME-seed-N.json (with --seeds: models/cards)")
    .option("--verbose", "show stacks of faults")
    .addHelpText("after", notes)
    .action(run);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === "")
    throw new InvalidArgumentError("a whole number, 0 or more.");
  return value;
}
const counts = (text: string): number[] => [...new Set(text.split(",").map(count))];

async function run(file: string, flags: TrainFlags): Promise<void> {
  if (flags.seed !== undefined && flags.seeds !== undefined)
    throw new Fault("USAGE", { what: "--seed and --seeds exclude each other", help: "give one of them" });
  const signal = stopOnSignals();
  const text = await readConfig(file);
  const plan = await planConfig(text, { toRun: false, purpose: "train", flags: { out: "--out, --seeds" } });
  const config = trainConfig(plan, flags);
  for (const seed of seedsOf(config, flags)) await refusePlace(placesOf(config, flags, seed).out);
  const parts = await openParts(plan, { purpose: "train" });
  try {
    await trainSeeds({ plan, parts, config, flags, signal });
  } finally {
    await parts.close();
  }
}

const seedsOf = (config: TrainConfig, { seed, seeds }: TrainFlags): readonly number[] => seeds ?? [seed ?? config.seed];

/** Where the model and the checkpoints of one seed go. */
function placesOf(config: TrainConfig, { out, seeds }: TrainFlags, seed: number) {
  const place = (folder: string) => (seeds ? join(folder, `seed-${seed}`) : folder);
  return { out: place(out === undefined ? config.out : resolve(out)), checkpoints: place(config.checkpoints.folder) };
}

/** Hours of training end with a saved model: where it cannot be saved is told before they begin. */
async function refusePlace(out: string): Promise<void> {
  const reason = await whyNotSaved(out);
  if (reason !== undefined) throw new Fault("USAGE", { what: `no model can be saved as ${out}`, help: reason });
}

/** The section `train`, checked, with what the flags say instead. Throws CONFIG_INVALID. */
function trainConfig({ text, sections }: Plan, { epochs }: TrainFlags): TrainConfig {
  if (sections.train === undefined)
    throw configInvalid(text, [problemAt(text, [], "CONFIG_KEY_MISSING", { key: "train", expected: "{ name: … }" })]);
  const checked = validate(trainSchema, sections.train, text, ["train"]);
  if (!("value" in checked)) throw configInvalid(text, checked.problems);
  const place = (path: string) => resolve(text.folder, path);
  const { value } = checked;
  return {
    ...value,
    out: place(value.out),
    checkpoints: { ...value.checkpoints, folder: place(value.checkpoints.folder) },
    ...(epochs !== undefined && { epochs }),
  };
}

interface Runs {
  readonly plan: Plan;
  readonly parts: OpenParts;
  readonly config: TrainConfig;
  readonly flags: TrainFlags;
  readonly signal: AbortSignal;
}

async function trainSeeds({ plan, parts, config, flags, signal }: Runs): Promise<void> {
  const learner = learnerOf(parts, config.tagger);
  const borrows = plan.stages.filter(({ plugin, options }) => {
    return (plugin.borrows?.(options) ?? []).some(
      ({ port, name }) => port.name === taggerPort.name && name === config.tagger,
    );
  });
  const stages = stagesBefore(parts.stages, ({ name }) => borrows.some((stage) => stage.name === name));
  const data = await prepareData({ config, folder: plan.text.folder, limit: flags.limit, stages, signal });
  for (const seed of seedsOf(config, flags)) {
    if (signal.aborted) return;
    const reporter = reporterFor(process.stdout);
    const training = {
      config: { ...config, seed },
      learner,
      data,
      ...placesOf(config, flags, seed),
      resume: flags.resume ?? false,
      signal,
      reopen: reopener(plan, config.tagger),
      report: reporter.report,
    };
    const card = await train(training).finally(reporter.close);
    const cards = flags.cards ?? (flags.seeds ? "models/cards" : undefined);
    if (card && cards !== undefined) await keepCard(card, cards);
  }
}

function learnerOf(parts: OpenParts, name: string): TaggerLearner {
  const found = parts.resources.get(name);
  if (found === undefined)
    throw new Fault("RESOURCE_UNKNOWN", { borrower: "train.tagger", name, help: "name one of the config's resources" });
  if (found.port !== taggerPort.name)
    throw new Fault("RESOURCE_PORT", { borrower: "train.tagger", name, wanted: taggerPort.name, found: found.port });
  const { learner } = found.value as Tagger;
  if (learner === undefined) throw new Fault("TAGGER_NOT_TRAINABLE", { tagger: name });
  return learner;
}

/**
 * Opens a saved folder with the plugin and the options of the trained resource. A tagger that is served from folders
 * takes them as `model`, and `precision`, as `starling evaluate --model` asks of it too.
 */
const reopener = (plan: Plan, name: string): Training["reopen"] => {
  const { plugin, options } = plan.resources.find((resource) => resource.name === name)!;
  const none = { resources: new Map(), log: () => {}, count: () => {} };
  const host = createHost({ plugin: plugin.name, folder: plan.text.folder, ...none });
  return async (folder, precision) => {
    const wanted = plugin.options.safeParse({ ...(options as object), model: folder, precision });
    return wanted.success ? ((await plugin.open(wanted.data, host)) as OpenTagger) : undefined;
  };
};

async function keepCard(card: Card, folder: string): Promise<void> {
  makeFolder(folder);
  await writeFile(join(folder, `${card.name}-seed-${card.seed}.json`), `${JSON.stringify(card, null, 2)}\n`);
}
