import type { PackedInput } from "./input.ts";
import { isCpu } from "./provider.ts";

/** A row of about the length of a post. */
export function sampleRow(length: number): PackedInput {
  const words = { start: 0, end: length };
  const zeros = new Int32Array(length);
  return {
    ids: new Int32Array(length).fill(1),
    segments: zeros,
    shapes: zeros,
    first: zeros,
    textLength: length - 2,
    words,
    keep: words,
  };
}

const SUBWORDS = 24;
/** More rows no longer gain on a CPU; they would leave its second-level cache, and make posts wait for each other. */
const CPU_BATCH = 16;
/** A larger batch must gain this much: it also makes posts wait for each other. */
const WORTHWHILE = 1.05;

/**
 * Rows per run that answer most posts per second: by timing a few runs, except on a CPU, where the gain is so small that a
 * busy moment of the machine would decide.
 */
export async function chooseBatch(
  provider: string,
  run: (rows: readonly PackedInput[]) => Promise<void>,
): Promise<number> {
  if (isCpu(provider)) return CPU_BATCH;
  let best = { batch: 1, perRow: Number.POSITIVE_INFINITY };
  for (const batch of [8, 32, 64, 128]) {
    const rows = new Array<PackedInput>(batch).fill(sampleRow(SUBWORDS));
    const perRow = (await fastest(() => run(rows))) / batch;
    if (perRow * WORTHWHILE < best.perRow) best = { batch, perRow };
    else if (perRow > best.perRow * 1.5) break;
  }
  return best.batch;
}

/** Milliseconds of the faster of two runs, after one that warms up. */
async function fastest(run: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const begin = performance.now();
    await run();
    times.push(performance.now() - begin);
    // A slow model is not run three times.
    if (turn > 0 && performance.now() - begin > 200) break;
  }
  return Math.min(...times.slice(1));
}
