import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { folderDurably } from "../durable.ts";
import { Fault } from "../errors.ts";
import type { Tagging } from "../facts.ts";
import { makeFolder } from "../make-folder.ts";
import { packageVersion } from "../package-root.ts";
import type { Tagger, TaggerLearner, TrainingRun } from "../tagger.ts";
import { type Card, readmeOf } from "./card.ts";
import type { TrainState } from "./checkpoints.ts";
import type { TrainConfig } from "./config.ts";
import { type LoopOptions, stepsOf, trainLoop } from "./loop.ts";
import { writeManifest } from "./manifest.ts";
import type { Prepared } from "./prepare.ts";
import { profileOf } from "./profile.ts";
import type { Progress } from "./progress.ts";
import { type Scores, scoreTagged, tagAll } from "./score.ts";

export type OpenTagger = Pick<Tagger, "tag"> & { close?(): Promise<void> };

export interface Training {
  /** Seed and epochs as they are really used. */
  readonly config: TrainConfig;
  readonly learner: TaggerLearner;
  readonly data: Prepared;
  /** Absolute. */
  readonly out: string;
  readonly checkpoints: string;
  readonly resume: boolean;
  readonly signal: AbortSignal;
  /** Opens a saved folder as a service does, to score what will be served; undefined where the tagger has no way to. */
  readonly reopen: (folder: string, precision: "fp32" | "int8") => Promise<OpenTagger | undefined>;
  readonly report: (progress: Progress) => void;
}

/** Trains, calibrates and saves one model. Answers its card, or undefined when the signal stopped it first. */
export async function train(training: Training): Promise<Card | undefined> {
  const { config, data, learner } = training;
  const options: LoopOptions = { ...config, checkpointEvery: config.checkpoints.everySteps };
  const steps = stepsOf(data.train.length, config);
  const run = await learner.start({ types: data.types, seed: config.seed, steps, options: config.learner ?? {} });
  try {
    const loop = {
      ...training,
      run,
      train: data.train,
      valid: data.valid,
      options,
      identity: identityOf(training, steps),
    };
    const { state, finished } = await trainLoop(loop);
    return finished ? await saveModel(training, run, state) : undefined;
  } finally {
    await run.close();
  }
}

/** What must be the same when a run is resumed. */
function identityOf({ config, data }: Training, steps: number): TrainState["identity"] {
  const { batch, chunk, seed, dropCaptions, dropKnowledge, learner, labelMap } = config;
  const sha = (value: unknown) => createHash("sha256").update(JSON.stringify(value)).digest("hex");
  return {
    options: sha({ batch, chunk, seed, dropCaptions, dropKnowledge, learner, labelMap, steps, types: data.types }),
    data: sha([data.train, data.valid]),
  };
}

async function saveModel(training: Training, run: TrainingRun, state: TrainState): Promise<Card> {
  const { config, data, out, signal, report } = training;
  const temperature = await run.calibrate(data.valid, signal);
  let card: Card | undefined;
  const save = async (into: string) => {
    await run.save(into, { name: config.name, precisions: config.precisions, labelMap: config.labelMap });
    // Opened as it will be served, so the manifest must stand already; it is written again once the card is there.
    await writeManifest(into, config.name);
    const scored = await scoreSaved(training, run, into);
    card = cardOf(training, state, temperature, scored.scores);
    await writeJson(join(into, "profile.json"), profileOf(data.train, data.valid, scored.served));
    await writeJson(join(into, "card.json"), card);
    await writeFile(join(into, "README.md"), readmeOf(card));
    const { version } = await writeManifest(into, config.name);
    report({ event: "saved", folder: out, model: version, f1: (card.scores.fp32 ?? card.scores.int8)?.f1 ?? 0 });
  };
  try {
    makeFolder(dirname(out));
    await folderDurably(out, save);
  } catch (cause) {
    throw failedToSave(cause, training);
  }
  return card!;
}

const writeJson = (path: string, value: unknown) => writeFile(path, `${JSON.stringify(value, null, 2)}\n`);

/** A full or broken disk is told with what stays; any other error is its own. */
function failedToSave(cause: unknown, { out, checkpoints }: Training): unknown {
  const { code, errno, message } = cause as NodeJS.ErrnoException;
  if (errno === undefined && code !== "ENOSPC") return cause;
  const why = code === "ENOSPC" ? "the disk is full" : message;
  const kept = `the last good checkpoint stays in ${checkpoints}`;
  return new Fault("SAVE_FAILED", { what: "model", folder: out, why, kept, resume: true }, { cause });
}

/** Scores of each saved precision, and the taggings of the one that is served by default: int8 where there is one. */
async function scoreSaved({ config, data, report, signal, reopen }: Training, run: TrainingRun, folder: string) {
  const scores: { fp32?: Scores; int8?: Scores } = {};
  let served = await taggingsOf(run, data, signal);
  // What int8 costs is told even where the fp32 weights are not saved.
  if (!config.precisions.includes("fp32")) scores.fp32 = scoreTagged(data.valid, served.map(mentionsOf));
  for (const precision of [...config.precisions].sort()) {
    const saved = await reopen(folder, precision);
    // Without a way to open what was saved, only the weights in memory can be scored, and those are fp32.
    if (saved === undefined && precision !== "fp32") continue;
    const taggings = saved === undefined ? served : await taggingsOf(saved, data, signal);
    await saved?.close?.();
    scores[precision] = scoreTagged(data.valid, taggings.map(mentionsOf));
    report({ event: "score", precision, f1: scores[precision].f1 });
    if (precision === "int8" || !config.precisions.includes("int8")) served = taggings;
  }
  return { scores, served };
}

const taggingsOf = async (tagger: Pick<Tagger, "tag">, { valid }: Prepared, signal: AbortSignal) =>
  (await tagAll((inputs, s) => tagger.tag(inputs, s), valid, signal)).map(({ tagging }) => tagging);
const mentionsOf = ({ mentions }: Tagging) => mentions;

function cardOf({ config, data }: Training, state: TrainState, temperature: number, scores: Card["scores"]): Card {
  const { data: _files, checkpoints: _folder, out: _out, ...options } = config;
  return {
    schema: "starling.card/1",
    name: config.name,
    trainedAt: new Date().toISOString(),
    package: packageVersion,
    types: [...data.types],
    labelMap: config.labelMap,
    base: config.base ?? null,
    licence: config.licence,
    seed: config.seed,
    options,
    data: {
      train: [...data.summaries.train],
      valid: [...data.summaries.valid],
      validInTrain: data.validInTrain,
      lost: data.lost,
    },
    strays: config.strays,
    epochs: [...state.epochs],
    bestEpoch: state.best?.epoch ?? 0,
    temperature,
    trainingSeconds: state.epochs.reduce((sum, { seconds }) => sum + seconds, 0),
    scores,
  };
}
