import { Fault, isFault } from "../errors.ts";
import type { TrainingRun } from "../tagger.ts";
import { epochBatches } from "./batches.ts";
import {
  checkpointName,
  clearCheckpoints,
  latest,
  resumeFrom,
  saveCheckpoint,
  type TrainState,
} from "./checkpoints.ts";
import { approximateSubwords, type Drops, dropContexts, type TrainPost } from "./posts.ts";
import type { Progress } from "./progress.ts";
import { scoreTagged, tagAll } from "./score.ts";

export interface LoopOptions extends Drops {
  readonly epochs: number;
  /** Posts in a step. */
  readonly batch: number;
  /** Batches that are sorted by length together. */
  readonly chunk: number;
  readonly seed: number;
  /** Epochs without a better valid F1 after which training stops; 0 never stops early. */
  readonly patience: number;
  /** Whose weights the run ends with: the best epoch's by valid F1, or the last's. */
  readonly keep: "best" | "last";
  /** Steps between checkpoints; the end of an epoch always makes one. */
  readonly checkpointEvery: number;
}

export interface Loop {
  readonly run: TrainingRun;
  readonly train: readonly TrainPost[];
  readonly valid: readonly TrainPost[];
  readonly options: LoopOptions;
  /** Folder of the checkpoints. */
  readonly checkpoints: string;
  readonly identity: TrainState["identity"];
  readonly resume: boolean;
  /** Aborting it stops after the step under way, with a checkpoint. */
  readonly signal: AbortSignal;
  readonly report: (progress: Progress) => void;
}

export interface Trained {
  readonly state: TrainState;
  /** False when the signal stopped it; the run then has the weights of the last step, not the best ones. */
  readonly finished: boolean;
}

/** Optimiser steps of a whole run. */
export const stepsOf = (posts: number, { epochs, batch }: Pick<LoopOptions, "epochs" | "batch">): number =>
  epochs * Math.ceil(posts / batch);

/** A step is short: it is finished even when the run is to stop, so that the checkpoint stands between two steps. */
const never = new AbortController().signal;

/**
 * Trains epoch by epoch and leaves `run` with the weights of the epoch that `keep` says.
 * Every random number follows from seed, epoch and step, so a resumed run makes the very same steps.
 * Throws NOT_A_NUMBER, SAVE_FAILED, CHECKPOINT_MISSING or CHECKPOINT_OF_ANOTHER_RUN; the last good checkpoint stays.
 */
export async function trainLoop(loop: Loop): Promise<Trained> {
  let state = await begin(loop);
  while (state.epoch < loop.options.epochs && !outOfPatience(state, loop.options.patience)) {
    const trained = await trainEpoch(loop, state);
    if (!trained.finished) return trained;
    state = await endEpoch(loop, trained.state);
  }
  if (state.epoch < loop.options.epochs) loop.report({ event: "stopped", why: "patience", epoch: state.epoch });
  if (state.best) await loop.run.restore(`${loop.checkpoints}/${state.best.checkpoint}`);
  return { state, finished: true };
}

async function begin({ resume, checkpoints, run, identity }: Loop): Promise<TrainState> {
  if (resume) return resumeFrom(checkpoints, run, identity);
  await clearCheckpoints(checkpoints);
  const place = { epoch: 0, batch: 0, step: 0, lossSum: 0, posts: 0, seconds: 0 };
  return { schema: "starling.checkpoint/1", identity, ...place, epochs: [], best: null };
}

const outOfPatience = ({ epoch, best }: TrainState, patience: number): boolean =>
  patience > 0 && best !== null && epoch - best.epoch >= patience;

async function trainEpoch(loop: Loop, from: TrainState): Promise<Trained> {
  const { options, run } = loop;
  const posts = dropContexts(loop.train, options, options.seed, from.epoch);
  const batches = epochBatches(posts.map(approximateSubwords), { ...options, epoch: from.epoch });
  const pace = paceFrom(loop, from, batches.length);
  let state = from;
  for (const batch of batches.slice(from.batch)) {
    if (loop.signal.aborted) return interrupted(loop, state);
    const began = performance.now();
    const chosen = batch.map((i) => posts[i]!);
    const loss = await learn(run, chosen, state, loop.checkpoints);
    state = after(state, loss, batch.length, (performance.now() - began) / 1000);
    loop.report(pace(state));
    if (state.step % options.checkpointEvery === 0 && state.batch < batches.length) await checkpoint(loop, state);
  }
  return loop.signal.aborted ? interrupted(loop, state) : { state, finished: true };
}

const after = (state: TrainState, loss: number, posts: number, seconds: number): TrainState => ({
  ...state,
  batch: state.batch + 1,
  step: state.step + 1,
  lossSum: state.lossSum + loss * posts,
  posts: state.posts + posts,
  seconds: state.seconds + seconds,
});

async function learn(run: TrainingRun, posts: readonly TrainPost[], state: TrainState, kept: string): Promise<number> {
  const where = `epoch ${state.epoch + 1}, step ${state.step + 1}, posts ${posts.map(({ id }) => id).join(", ")}`;
  try {
    const loss = await run.learn(posts, never);
    if (Number.isFinite(loss)) return loss;
  } catch (cause) {
    if (!isFault(cause) || cause.code !== "NOT_A_NUMBER") throw cause;
    throw new Fault("NOT_A_NUMBER", { what: "the loss", where, mend: await mendLoss(kept) }, { cause });
  }
  throw new Fault("NOT_A_NUMBER", { what: "the loss", where, mend: await mendLoss(kept) });
}

/** With another rate or other posts it is another run, which begins anew. */
async function mendLoss(folder: string): Promise<string> {
  const kept = await latest(folder);
  const stays = kept === undefined ? "" : ` (the last good checkpoint, ${kept}, stays in ${folder})`;
  return `lower the learning rate in train.learner, or mend these posts, and start again${stays}`;
}

async function interrupted(loop: Loop, state: TrainState): Promise<Trained> {
  await checkpoint(loop, state);
  loop.report({ event: "stopped", why: "interrupted", epoch: state.epoch + 1 });
  return { state, finished: false };
}

async function checkpoint(loop: Loop, state: TrainState): Promise<void> {
  await saveCheckpoint(loop.checkpoints, loop.run, state);
  loop.report({ event: "checkpoint", step: state.step, folder: loop.checkpoints });
}

/** Scores the epoch, moves to the next and keeps the weights; if they are the best so far, this checkpoint is the best. */
async function endEpoch(loop: Loop, ended: TrainState): Promise<TrainState> {
  const tagged = await tagAll((inputs, signal) => loop.run.tag(inputs, signal), loop.valid, never);
  const { precision, recall, f1 } = scoreTagged(
    loop.valid,
    tagged.map(({ tagging }) => tagging.mentions),
  );
  const epoch = ended.epoch + 1;
  const report = { epoch, loss: ended.lossSum / ended.posts, precision, recall, f1, seconds: ended.seconds };
  const place = { epoch, batch: 0, lossSum: 0, posts: 0, seconds: 0, epochs: [...ended.epochs, report] };
  const best = loop.options.keep === "last" || ended.best === null || f1 > ended.best.f1;
  const mark = best ? { epoch, f1, checkpoint: checkpointName(place) } : ended.best;
  const state: TrainState = { ...ended, ...place, best: mark };
  await saveCheckpoint(loop.checkpoints, loop.run, state);
  loop.report({ event: "epoch", best, ...report });
  return state;
}

/** Speed of this process since the epoch's start, and the time that the rest of the run takes at it. */
function paceFrom(loop: Loop, from: TrainState, batches: number): (state: TrainState) => Progress {
  const began = performance.now();
  const steps = loop.options.epochs * batches;
  return (state) => {
    const seconds = (performance.now() - began) / 1000;
    return {
      event: "step",
      epoch: state.epoch + 1,
      step: state.step,
      steps,
      loss: state.lossSum / state.posts,
      f1: state.best?.f1 ?? null,
      postsPerSecond: (state.posts - from.posts) / seconds,
      etaSeconds: (seconds / (state.step - from.step)) * (steps - state.step),
    };
  };
}
