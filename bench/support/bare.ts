import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { PackedInput } from "../../plugins/tagger-onnx/input.ts";

/** A layout of bare ONNX Runtime: what the tagger is held against. */
export interface BareLayout {
  readonly processes: number;
  readonly threads: number;
  readonly batch: number;
}

export interface BareRunner {
  readonly name: string;
  /** Posts per second of one pass over all rows. */
  pass(): Promise<number>;
  close(): void;
}

/** Gives rows in turn to processes that keep them as ready tensors, sorted by length. */
export async function openBare(file: string, rows: readonly PackedInput[], layout: BareLayout): Promise<BareRunner> {
  const { processes, threads, batch } = layout;
  const entry = fileURLToPath(new URL("./bare-child.ts", import.meta.url));
  const children = Array.from({ length: processes }, () =>
    fork(entry, { serialization: "advanced", execArgv: ["--conditions=source"] }),
  );
  const sorted = rows.toSorted((a, b) => a.ids.length - b.ids.length);
  const all = async (message: (index: number) => object) => {
    const answers = children.map((child) => once(child, "message"));
    for (const [index, child] of children.entries()) child.send(message(index));
    await Promise.all(answers);
  };
  const share = (index: number) => inTurn(sorted, batch, index, processes);
  await all((index) => ({ file, processes, threads, batch, rows: share(index) }));
  return {
    name: `${processes} x ${threads} threads, batch ${batch}`,
    async pass() {
      const from = performance.now();
      await all(() => ({}));
      return (rows.length / (performance.now() - from)) * 1000;
    },
    close: () => children.forEach((child) => void child.kill()),
  };
}

/** Batches in turn, so that each process has as many of each length. */
const inTurn = (rows: readonly PackedInput[], batch: number, index: number, processes: number): PackedInput[] =>
  rows.filter((_, i) => Math.floor(i / batch) % processes === index);
