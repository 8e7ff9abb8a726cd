import { workerData } from "node:worker_threads";
import { openKernels } from "./kernels.ts";
import { type Control, DONE, GO, readUpdate, STOP, SUM, TASK, UPDATE } from "./optimiser-control.ts";
import { blocksOf, sumBlocks, updateRange } from "./optimiser-work.ts";
import type { Arena } from "./parameters.ts";

// Entry of the optimiser's second thread: it works on the second half of the arena whenever the first thread says so.
const { arena, control, half } = workerData as { arena: Arena; control: Control; half: number };
const { flags, sums } = control;
const own = { arena, kernels: openKernels(arena) };
for (let turn = 0; ; turn++) {
  Atomics.wait(flags, GO, turn);
  const task = Atomics.load(flags, TASK);
  if (task === STOP) break;
  if (task === SUM) sumBlocks(own, sums, Math.floor(blocksOf(arena.length) / 2), blocksOf(arena.length));
  if (task === UPDATE) updateRange(own, readUpdate(control), half, arena.length);
  Atomics.store(flags, DONE, turn + 1);
  Atomics.notify(flags, DONE);
}
