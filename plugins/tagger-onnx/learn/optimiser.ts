import { type AdamW, adamw, scheduleAt, squares } from "./adamw.ts";
import type { RowGradients } from "./embedding-rows.ts";
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
}

/**
 * AdamW over the dense arena, and over the rows that a batch read of each table: the moments of other rows rest until
 * they are read again, which spares a pass over tables of which a batch reads a hundredth.
 */
export function createOptimiser(dense: Arena, tables: Arena, steps: number, options: LearnerOptions): Optimiser {
  const rates = (step: number) => {
    const share = scheduleAt(step, steps, options.warmup);
    return { encoder: options.lr * share, head: options.headLr * share };
  };
  return {
    norm(rows) {
      let sum = squares(dense.gradients, 0, dense.length);
      for (const { gradients } of rows) sum += squares(gradients, 0, gradients.length);
      return Math.sqrt(sum);
    },
    update(rows, step, scale) {
      const rate = rates(step);
      for (const { group, decays, offset, length } of dense.parameters) {
        const settings: AdamW = { lr: rate[group], decay: decays ? options.weightDecay : 0, scale, step };
        adamw(dense, offset, offset + length, dense.gradients, offset, settings);
      }
      for (const table of rows) updateRows(tables, table, { lr: rate[table.table.group], decay: 0, scale, step });
    },
  };
}

function updateRows(tables: Arena, { table, rows, gradients }: TableGradients, settings: AdamW): void {
  const width = table.dims[1]!;
  const state = {
    weights: viewOf(tables.weights, table),
    first: viewOf(tables.first, table),
    second: viewOf(tables.second, table),
  };
  for (const [i, row] of rows.entries()) adamw(state, row * width, (row + 1) * width, gradients, i * width, settings);
}
