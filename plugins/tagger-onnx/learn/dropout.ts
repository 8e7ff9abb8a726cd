import { Tensor } from "onnxruntime-node";
import type { Shape } from "../graph/graph.ts";
import type { Drop } from "./training-parts.ts";

/** A place in the graph where values are dropped: an input of factors, 0 or 1 / (1 - rate). */
export interface DropoutSite {
  readonly input: string;
  readonly shape: Shape;
  readonly rate: number;
}

/** Records a multiplication with fresh factors at every site, and lists the sites in `sites`. */
export function recordDropout(
  sites: DropoutSite[],
  rates: { readonly hidden: number; readonly attention: number },
): Drop {
  return (graph, x, kind) => {
    const rate = rates[kind];
    if (rate === 0) return x;
    const shape = kind === "hidden" ? graph.shape(x) : [...graph.shape(x).slice(0, -1), 1];
    const input = graph.input(`dropout.${sites.length}`, "float32", shape);
    sites.push({ input, shape, rate });
    return graph.op("Mul", [x, input]);
  };
}

/** Where a site's factors may begin in the pool. */
const starts = 1 << 22;

/**
 * Dropout factors as a function of seed, step and site: each site takes a stretch of one long pool of independent
 * factors, from a place drawn anew at every step. Nothing is drawn or copied while training, and a resumed run drops
 * what an unbroken one would. ONNX's own random operators keep hidden state, and could do neither.
 */
export function createDropoutPool(seed: number) {
  const pools = new Map<number, Float32Array>();
  const poolOf = (rate: number, length: number): Float32Array => {
    const known = pools.get(rate);
    if (known !== undefined && known.length >= length) return known;
    const grown = fill(seed, rate, Math.ceil(length * 1.25));
    pools.set(rate, grown);
    return grown;
  };
  return {
    factors({ rate }: DropoutSite, dims: readonly number[], step: number, site: number): Tensor {
      const size = dims.reduce((a, b) => a * b, 1);
      const from = (hash(seed ^ 0x5bd1e995, step * 4096 + site) % (starts / 16)) * 16;
      return new Tensor("float32", poolOf(rate, starts + size).subarray(from, from + size), dims);
    },
  };
}

/** Element i depends on seed, rate and i alone, so that a longer pool begins like a shorter one. */
function fill(seed: number, rate: number, length: number): Float32Array {
  const pool = new Float32Array(length);
  const kept = Math.fround(1 / (1 - rate));
  const threshold = rate * 2 ** 32;
  for (let i = 0; i < length; i++) pool[i] = hash(seed, i) < threshold ? 0 : kept;
  return pool;
}

/** 32 well-mixed bits of a counter (finaliser of MurmurHash3, twice). */
export function hash(seed: number, counter: number): number {
  return mix(mix(Math.imul(seed, 0x9e3779b9) ^ counter) ^ Math.floor(counter / 2 ** 32));
}

function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
