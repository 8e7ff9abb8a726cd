import { type AdamW, factorsOf } from "./adamw.ts";
import { kernelsBinary } from "./kernels-binary.ts";
import type { Arena } from "./parameters.ts";
import { Instance, Module } from "./web-assembly.ts";

/** The loops of kernels.wat over one arena. Ranges are elements that begin at a multiple of 4, and reach to the next one. */
export interface Kernels {
  /** AdamW on the elements [from, to), in single precision, with the arena's own gradients; see `adamw`. */
  update(from: number, to: number, settings: AdamW): void;
  /** Sum of the squares of the gradients [from, to). */
  squares(from: number, to: number): number;
}

interface Exports {
  update(at: number, to: number, rate: number, keep: number, correction: number, scale: number): void;
  squares(at: number, to: number): number;
}

const module = new Module(Buffer.from(kernelsBinary, "base64"));

export function openKernels({ memories }: Arena): Kernels {
  const { exports } = new Instance(module, { arena: { ...memories } });
  const kernels = exports as unknown as Exports;
  return {
    update(from, to, settings) {
      const { rate, keep, correction, scale } = factorsOf(settings);
      if (from < to) kernels.update(bytes(from), bytes(to), rate, keep, correction, scale);
    },
    squares: (from, to) => (from < to ? kernels.squares(bytes(from), bytes(to)) : 0),
  };
}

const bytes = (element: number): number => 4 * element;
