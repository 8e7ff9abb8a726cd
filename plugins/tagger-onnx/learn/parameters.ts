import { Tensor } from "onnxruntime-node";
import type { FloatTensor } from "../graph/graph.ts";
import { Memory } from "./web-assembly.ts";

/** Which learning rate a parameter follows. */
export type Group = "encoder" | "head";

export interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
  readonly group: Group;
  /** Whether weight decay pulls on it. */
  readonly decays: boolean;
  /** First element in the arena. */
  readonly offset: number;
  readonly length: number;
}

/** Element-wise state of many parameters in shared memory, one array a kind, so that threads and ONNX Runtime read it in place. */
export interface Arena {
  readonly parameters: readonly Parameter[];
  /** Elements of each array. */
  readonly length: number;
  readonly weights: Float32Array<SharedArrayBuffer>;
  /** First and second moments of the gradients. */
  readonly first: Float32Array<SharedArrayBuffer>;
  readonly second: Float32Array<SharedArrayBuffer>;
  /** Empty in an arena whose gradients come by row. */
  readonly gradients: Float32Array<SharedArrayBuffer>;
  /** What the arrays lie in; WebAssembly reads no other memory. */
  readonly memories: Readonly<Record<"weights" | "first" | "second" | "gradients", Memory>>;
}

export type Start = Pick<Parameter, "name" | "group" | "decays"> & { readonly value: FloatTensor };

/** Parameters begin at multiples of 16 elements: cache lines, and the width of vector instructions. */
const alignment = 16;

/** Copies the values into a new arena with zero moments. `gradients` false leaves out the array of gradients. */
export function createArena(starts: readonly Start[], gradients = true): Arena {
  let length = 0;
  const parameters = starts.map(({ value, ...rest }): Parameter => {
    const offset = length;
    length = Math.ceil((offset + value.data.length) / alignment) * alignment;
    return { ...rest, dims: value.dims, offset, length: value.data.length };
  });
  const sizes = { weights: length, first: length, second: length, gradients: gradients ? length : 0 };
  const memories = mapValues(sizes, memoryOf);
  const arrays = mapValues(sizes, (size, name) => new Float32Array(memories[name].buffer, 0, size));
  for (const [i, { offset }] of parameters.entries()) arrays.weights.set(starts[i]!.value.data, offset);
  return { parameters, length, ...arrays, memories };
}

/** Of WebAssembly, in bytes. */
const PAGE = 65_536;

function memoryOf(floats: number): Memory {
  const pages = Math.max(1, Math.ceil((4 * floats) / PAGE));
  return new Memory({ initial: pages, maximum: pages, shared: true });
}

const mapValues = <K extends string, A, B>(object: Readonly<Record<K, A>>, change: (value: A, key: K) => B) =>
  Object.fromEntries(Object.entries<A>(object).map(([key, value]) => [key, change(value, key as K)])) as Record<K, B>;

/** The part of one of the arena's arrays that belongs to a parameter; shares its memory. */
export const viewOf = (array: Float32Array, { offset, length }: Pick<Parameter, "offset" | "length">): Float32Array =>
  array.subarray(offset, offset + length);

export const tensorOf = (array: Float32Array, part: Pick<Parameter, "offset" | "length" | "dims">): Tensor =>
  new Tensor("float32", viewOf(array, part), part.dims);
