import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { adamw, scheduleAt, squares } from "./adamw.ts";
import type { RowGradients } from "./embedding-rows.ts";
import { openKernels } from "./kernels.ts";
import { createControl, DONE, GO, STOP, SUM, TASK, UPDATE, writeUpdate } from "./optimiser-control.ts";
import { blocksOf, sumBlocks, type Update, updateRange } from "./optimiser-work.ts";
import type { LearnerOptions } from "./options.ts";
import { type Arena, type Parameter, viewOf } from "./parameters.ts";

/** Rows of one table of the arena `tables`. */
export interface TableGradients extends RowGradients {
  readonly table: Parameter;
}

export interface Optimiser {
  /** L2 norm of the whole gradient. */
  norm(rows: readonly TableGradients[]): number;
  /** Update `step`, from 1, with gradients multiplied by `scale`. */
  update(rows: readonly TableGradients[], step: number, scale: number): void;
  close(): Promise<void>;
}

export interface OptimiserSetup {
  readonly dense: Arena;
  readonly tables: Arena;
  /** Updates of the whole run. */
  readonly steps: number;
  readonly options: LearnerOptions;
  /** 1, or more for 2: a third thread would wait for memory. */
  readonly threads: number;
}

/**
 * AdamW over the dense arena, and over the rows that a batch read of each table: the moments of other rows rest until
 * they are read again, which spares a pass over tables of which a batch reads a hundredth.
 */
export function createOptimiser({ dense, tables, steps, options, threads }: OptimiserSetup): Optimiser {
  const team = createTeam(dense, threads);
  return {
    norm(rows) {
      const sum = rows.reduce((all, { gradients }) => all + squares(gradients, 0, gradients.length), team.squares());
      return Math.sqrt(sum);
    },
    update(rows, step, scale) {
      const share = scheduleAt(step, steps, options.warmup);
      const lr = { encoder: options.lr * share, head: options.headLr * share };
      team.update({ lr, weightDecay: options.weightDecay, scale, step });
      for (const table of rows) updateRows(tables, table, { lr: lr[table.table.group], decay: 0, scale, step });
    },
    close: () => team.close(),
  };
}

function updateRows(
  tables: Arena,
  { table, rows, gradients }: TableGradients,
  settings: Parameters<typeof adamw>[5],
): void {
  const width = table.dims[1]!;
  const state = {
    weights: viewOf(tables.weights, table),
    first: viewOf(tables.first, table),
    second: viewOf(tables.second, table),
  };
  for (const [i, row] of rows.entries()) adamw(state, row * width, (row + 1) * width, gradients, i * width, settings);
}

/** This thread and, where there are two, another one: each does half of the arena. */
function createTeam(arena: Arena, threads: number) {
  const blocks = blocksOf(arena.length);
  const control = createControl(blocks);
  const half = threads > 1 ? Math.floor(arena.length / 32) * 16 : arena.length;
  const worker = threads > 1 ? startWorker(arena, control, half) : undefined;
  const own = { arena, kernels: openKernels(arena) };
  const { flags, sums } = control;
  let turn = 0;
  /** Gives the other thread its half of a task, does this one's, and waits. */
  const together = (task: number, mine: () => void): void => {
    if (worker !== undefined) signal(flags, task, ++turn);
    mine();
    if (worker !== undefined) waitFor(flags, turn);
  };
  return {
    squares(): number {
      together(SUM, () => sumBlocks(own, sums, 0, worker === undefined ? blocks : Math.floor(blocks / 2)));
      return sums.reduce((a, b) => a + b, 0);
    },
    update(update: Update): void {
      writeUpdate(control, update);
      together(UPDATE, () => updateRange(own, update, 0, half));
    },
    async close(): Promise<void> {
      if (worker === undefined) return;
      signal(flags, STOP, ++turn);
      await worker.terminate();
    },
  };
}

function signal(flags: Int32Array, task: number, turn: number): void {
  Atomics.store(flags, TASK, task);
  Atomics.store(flags, GO, turn);
  Atomics.notify(flags, GO);
}

/** A half takes milliseconds; only a thread that has died takes so long. */
const longestMs = 60_000;

function waitFor(flags: Int32Array, turn: number): void {
  const from = performance.now();
  while (Atomics.load(flags, DONE) < turn) {
    if (performance.now() - from > longestMs) throw new Error("the optimiser's second thread gives no answer");
    Atomics.wait(flags, DONE, turn - 1, 1000);
  }
}

function startWorker(arena: Arena, control: unknown, half: number): Worker {
  const here = extname(fileURLToPath(import.meta.url));
  const entry = new URL(`./optimiser-worker${here}`, import.meta.url);
  const worker = new Worker(entry, { workerData: { arena, control, half }, execArgv: [] });
  worker.unref();
  return worker;
}
