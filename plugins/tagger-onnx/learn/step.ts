import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Batch } from "../batch.ts";
import type { EncoderConfig } from "../graph/config.ts";
import { EMBEDDED, EMISSIONS } from "../graph/encoder.ts";
import { sizesOf } from "../graph/split.ts";
import { createDropoutPool } from "./dropout.ts";
import { type Arena, tensorOf } from "./parameters.ts";
import type { WordPositions } from "./posts.ts";
import { type Slice, slicesOf } from "./slices.ts";
import { isCrf } from "./start.ts";
import { buildStep, SEED } from "./step-graph.ts";

type Tensors = Record<string, Tensor>;

/** Forward and backward pass over the weights of two arenas, which are read and filled in place. */
export interface Step {
  /** Emissions of a batch's words, [rows × width × K]; valid until the next call. Dropout follows from `number`. */
  forward(batch: Batch, words: WordPositions, number: number): Promise<Float32Array>;
  /** Fills the dense gradients from dL/demissions of the last `forward`; answers the embedding sum's, [rows × length × D]. */
  backward(seed: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface StepSetup {
  readonly config: EncoderConfig;
  readonly wordShape: boolean;
  readonly dropout: number;
  readonly attentionDropout: number;
  readonly freezeEmbeddings: boolean;
  readonly tables: Arena;
  readonly dense: Arena;
  readonly tags: number;
  readonly seed: number;
  readonly threads: number;
}

export async function openStep(setup: StepSetup): Promise<Step> {
  const { tables, dense, config, tags } = setup;
  const inputs = {
    tables: slicesOf(config, tables.parameters),
    dense: slicesOf(
      config,
      dense.parameters.filter(({ name }) => !isCrf(name)),
    ),
  };
  const graph = buildStep({ ...setup, ...inputs });
  const open = (model: Uint8Array) => InferenceSession.create(model, sessionOptions(setup.threads));
  const forward = await open(graph.forward);
  const backward = await open(graph.backward);
  const weights: Tensors = { ...tensorsOf(tables.weights, inputs.tables), ...tensorsOf(dense.weights, inputs.dense) };
  const gradients: Tensors = {};
  for (const slice of inputs.dense) gradients[graph.gradients.get(slice.name)!] = tensorOf(dense.gradients, slice);
  const embedded = graph.gradients.get(EMBEDDED)!;
  const pool = createDropoutPool(setup.seed);
  const memory = createScratch();
  let shared: Tensors = {};
  let sizes: Record<string, number> = {};
  return {
    async forward(batch, words, number) {
      sizes = { B: batch.rows, T: batch.length, W: words.width };
      memory.reset();
      const fetches: Tensors = { [EMISSIONS]: memory.take([batch.rows, words.width, tags]) };
      for (const { name, shape } of graph.saved) fetches[name] = memory.take(sizesOf(shape, sizes));
      const drops: Tensors = {};
      graph.sites.forEach((site, i) => {
        drops[site.input] = pool.factors(site, sizesOf(site.shape, sizes), number, i);
      });
      shared = { ...feedsOf(batch), words: wordsOf(words, batch.rows), ...drops, ...weights };
      await forward.run(only(shared, forward), fetches);
      shared = { ...shared, ...fetches };
      return fetches[EMISSIONS]!.data as Float32Array;
    },
    async backward(seed) {
      const sum = memory.take([sizes.B!, sizes.T!, config.hidden]);
      const feeds = { ...shared, [SEED]: new Tensor("float32", seed, [sizes.B!, sizes.W!, tags]) };
      await backward.run(only(feeds, backward), { ...gradients, [embedded]: sum });
      return sum.data as Float32Array;
    },
    async close() {
      await forward.release();
      await backward.release();
    },
  };
}

/** One session runs at a time, and its two threads share the work of each operator. */
export const sessionOptions = (threads: number): InferenceSession.SessionOptions => ({
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  logSeverityLevel: 3,
  extra: {
    // Threads of the session that ran last would go on spinning for work, and take a core from the next one and the optimiser.
    session: { force_spinning_stop: "1" },
    // They would fold shared transposes into each product again, and products of turned factors are slower.
    optimization: { disable_specified_optimizers: "MatmulTransposeFusion;GemmTransposeFusion" },
  },
});

export const tensorsOf = (array: Float32Array, slices: readonly Slice[]): Tensors =>
  Object.fromEntries(slices.map((slice) => [slice.name, tensorOf(array, slice)]));

export const only = (tensors: Tensors, { inputNames }: InferenceSession): Tensors =>
  Object.fromEntries(inputNames.map((name) => [name, tensors[name]!]));

export function feedsOf({ rows, length, ids, positions, segments, shapes, mask }: Batch): Tensors {
  const whole = (data: Int32Array) => new Tensor("int32", data, [rows, length]);
  return {
    ids: whole(ids),
    positions: whole(positions),
    segments: whole(segments),
    shapes: whole(shapes),
    mask: new Tensor("float32", mask, [rows, 1, 1, length]),
  };
}

const wordsOf = ({ at, width }: WordPositions, rows: number) => new Tensor("int64", at, [rows, width, 2]);

/** Memory of one step's activations, kept from step to step: fresh memory costs a page fault every 4 KiB. */
function createScratch() {
  let memory = new Float32Array(1 << 20);
  let used = 0;
  let wanted = 0;
  return {
    reset(): void {
      if (wanted > memory.length) memory = new Float32Array(Math.ceil(wanted * 1.1));
      used = 0;
      wanted = 0;
    },
    /** A tensor of unknown content. */
    take(dims: readonly number[]): Tensor {
      const size = dims.reduce((a, b) => a * b, 1);
      wanted += Math.ceil(size / 16) * 16;
      const fits = used + size <= memory.length;
      const data = fits ? memory.subarray(used, used + size) : new Float32Array(size);
      if (fits) used += Math.ceil(size / 16) * 16;
      return new Tensor("float32", data, dims);
    },
  };
}
