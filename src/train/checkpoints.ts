import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { folderDurably } from "../durable.ts";
import { Fault } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import type { TrainingRun } from "../tagger.ts";

const epochReport = z.strictObject({
  epoch: z.int(),
  /** Mean loss per post, in nats. */
  loss: z.number(),
  precision: z.number(),
  recall: z.number(),
  f1: z.number(),
  seconds: z.number(),
});

/** Everything the trainer itself must know to go on; the learner keeps weights, moments and steps beside it. */
const stateSchema = z.strictObject({
  schema: z.literal("starling.checkpoint/1"),
  /** What the run was started with; SHA-256 of each. A run may only go on with the same. */
  identity: z.strictObject({ options: z.string(), data: z.string() }),
  /** Place of the next step; all random numbers follow from it and the seed. Both from 0. */
  epoch: z.int().nonnegative(),
  batch: z.int().nonnegative(),
  /** Optimiser steps made. */
  step: z.int().nonnegative(),
  /** Of the epoch under way. */
  lossSum: z.number(),
  posts: z.int().nonnegative(),
  seconds: z.number().nonnegative(),
  epochs: z.array(epochReport),
  /** Best epoch so far by valid F1; `checkpoint` is the name of its folder. */
  best: z.strictObject({ epoch: z.int(), f1: z.number(), checkpoint: z.string() }).nullable(),
});

export type EpochReport = Readonly<z.output<typeof epochReport>>;
export type TrainState = Readonly<z.output<typeof stateSchema>>;

const named = /^epoch-(\d+)-batch-(\d+)$/;
export const checkpointName = ({ epoch, batch }: Pick<TrainState, "epoch" | "batch">): string =>
  `epoch-${epoch}-batch-${batch}`;

/**
 * Writes one checkpoint whole or not at all, then removes the ones no longer needed: all but it and the best.
 * Throws SAVE_FAILED when the disk is full; the last good checkpoint stays.
 */
export async function saveCheckpoint(folder: string, run: TrainingRun, state: TrainState): Promise<void> {
  const name = checkpointName(state);
  try {
    makeFolder(folder);
    await folderDurably(join(folder, name), async (into) => {
      await run.checkpoint(into);
      await writeFile(join(into, "trainer.json"), JSON.stringify(state, null, 2));
    });
  } catch (cause) {
    throw new Fault(
      "SAVE_FAILED",
      { what: "checkpoint", folder, ...whyAndKept(cause, await latest(folder)) },
      { cause },
    );
  }
  const spare = (await checkpointsIn(folder)).filter((other) => other !== name && other !== state.best?.checkpoint);
  for (const other of spare) await rm(join(folder, other), { recursive: true, force: true });
}

const whyAndKept = (cause: unknown, kept: string | undefined) => ({
  why: (cause as NodeJS.ErrnoException).code === "ENOSPC" ? "the disk is full" : String((cause as Error).message),
  kept: kept === undefined ? "there is no earlier one" : `the last good one, ${kept}, stays`,
  resume: kept !== undefined,
});

/** State of the newest checkpoint, whose weights `run` then has. Throws CHECKPOINT_MISSING or CHECKPOINT_OF_ANOTHER_RUN. */
export async function resumeFrom(
  folder: string,
  run: TrainingRun,
  identity: TrainState["identity"],
): Promise<TrainState> {
  const name = await latest(folder);
  if (name === undefined) throw new Fault("CHECKPOINT_MISSING", { folder });
  const state = await readState(join(folder, name));
  for (const what of ["data", "options"] as const) {
    if (state.identity[what] !== identity[what]) throw new Fault("CHECKPOINT_OF_ANOTHER_RUN", { folder, what });
  }
  await run.restore(join(folder, name));
  return state;
}

/** Removes the checkpoints of an earlier run. */
export async function clearCheckpoints(folder: string): Promise<void> {
  for (const name of await checkpointsIn(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

async function readState(folder: string): Promise<TrainState> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(join(folder, "trainer.json"), "utf8")));
  } catch (cause) {
    throw new Fault("CHECKPOINT_MISSING", { folder }, { cause });
  }
}

/** Name of the newest complete checkpoint. */
export const latest = async (folder: string): Promise<string | undefined> => (await checkpointsIn(folder)).at(-1);

/** Names of the complete checkpoints, oldest first. */
async function checkpointsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const place = (name: string): [number, number] => {
    const found = named.exec(name)!;
    return [Number(found[1]), Number(found[2])];
  };
  return names
    .filter((name) => named.test(name))
    .sort((a, b) => place(a)[0] - place(b)[0] || place(a)[1] - place(b)[1]);
}
