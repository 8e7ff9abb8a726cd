import type { EncoderConfig } from "../graph/config.ts";
import type { FloatTensor } from "../graph/graph.ts";
import { linearsOf, transposed, type Weights } from "../graph/weights.ts";
import type { Parameter } from "./parameters.ts";

/**
 * The feed-forward layers run in slices as wide as the states: values between their two products then stay in a core's
 * cache, which matters more than the products' size. Both matrices are kept slice after slice, each [hidden, width of a
 * slice]: the first one's columns, the second one's rows transposed. A slice is then one stretch of memory, and its
 * gradient a product of straight rows.
 */
export interface Slice {
  /** Name of the graph's input. */
  readonly name: string;
  readonly dims: readonly number[];
  /** First element in the arena. */
  readonly offset: number;
  readonly length: number;
}

export const sliceCount = ({ hidden, intermediate }: EncoderConfig): number =>
  intermediate % hidden === 0 ? intermediate / hidden : 1;

export const sliceName = (parameter: string, slice: number): string => `${parameter}#${slice}`;

/** Names of the parameters that are read in slices. */
function sliced(config: EncoderConfig): Set<string> {
  const layers = Array.from({ length: config.layers }, (_, layer) => linearsOf(config, layer));
  return new Set(layers.flatMap(({ up, down }) => [`${up.name}.weight`, `${up.name}.bias`, `${down.name}.weight`]));
}

/** Inputs of the training graph for the parameters of an arena. */
export function slicesOf(config: EncoderConfig, parameters: readonly Parameter[]): Slice[] {
  const names = sliced(config);
  const count = sliceCount(config);
  return parameters.flatMap(({ name, dims, offset, length }): Slice[] => {
    if (!names.has(name)) return [{ name, dims, offset, length }];
    const part = { dims: [dims[0]! / count, ...dims.slice(1)], length: length / count };
    return Array.from({ length: count }, (_, i) => ({
      name: sliceName(name, i),
      ...part,
      offset: offset + i * part.length,
    }));
  });
}

/** From the layout of `Weights` to that of training. */
export const toSlices = (config: EncoderConfig, weights: Weights): Map<string, FloatTensor> =>
  replaceMatrices(config, weights, (matrix, isDown) => intoSlices(config, isDown ? transposed(matrix) : matrix));

/** From the layout of training to that of `Weights`. */
export const fromSlices = (config: EncoderConfig, weights: Weights): Map<string, FloatTensor> =>
  replaceMatrices(config, weights, (slices, isDown) => {
    const matrix = outOfSlices(config, slices);
    return isDown ? transposed(matrix) : matrix;
  });

function replaceMatrices(
  config: EncoderConfig,
  weights: Weights,
  by: (matrix: FloatTensor, isDown: boolean) => FloatTensor,
): Map<string, FloatTensor> {
  const replaced = new Map(weights);
  for (let layer = 0; layer < config.layers; layer++) {
    const { up, down } = linearsOf(config, layer);
    for (const { name } of [up, down])
      replaced.set(`${name}.weight`, by(weights.get(`${name}.weight`)!, name === down.name));
  }
  return replaced;
}

/** [hidden, intermediate] to [slices × hidden, width]. */
function intoSlices(config: EncoderConfig, { data }: FloatTensor): FloatTensor {
  const { hidden, intermediate, count, width } = sizes(config);
  const sliced = new Float32Array(data.length);
  for (let slice = 0; slice < count; slice++)
    for (let row = 0; row < hidden; row++) {
      const from = row * intermediate + slice * width;
      sliced.set(data.subarray(from, from + width), (slice * hidden + row) * width);
    }
  return { dims: [count * hidden, width], data: sliced };
}

/** [slices × hidden, width] to [hidden, intermediate]. */
function outOfSlices(config: EncoderConfig, { data }: FloatTensor): FloatTensor {
  const { hidden, intermediate, count, width } = sizes(config);
  const matrix = new Float32Array(data.length);
  for (let slice = 0; slice < count; slice++)
    for (let row = 0; row < hidden; row++) {
      const from = (slice * hidden + row) * width;
      matrix.set(data.subarray(from, from + width), row * intermediate + slice * width);
    }
  return { dims: [hidden, intermediate], data: matrix };
}

function sizes(config: EncoderConfig) {
  const count = sliceCount(config);
  return { ...config, count, width: config.intermediate / count };
}
