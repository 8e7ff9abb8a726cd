import type { EncoderConfig } from "../graph/config.ts";
import { linearsOf, transposed, type Weights } from "../graph/weights.ts";
import type { Parameter } from "./parameters.ts";

/**
 * The feed-forward layers run in slices as wide as the states: values between their two products then stay in a core's
 * cache, which matters more than the products' size. Both matrices are kept as [intermediate, hidden], so that a slice
 * is one stretch of memory: in training the first one is transposed against `Weights`.
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

/** From the layout of `Weights` to that of training and, since it is its own inverse, back. */
export function turnUp(config: EncoderConfig, weights: Weights): Map<string, NonNullable<ReturnType<Weights["get"]>>> {
  const turned = new Map(weights);
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `${linearsOf(config, layer).up.name}.weight`;
    turned.set(name, transposed(weights.get(name)!));
  }
  return turned;
}
