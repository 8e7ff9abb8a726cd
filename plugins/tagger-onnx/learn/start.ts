import { createCrf } from "starling-ner/crf";
import type { EncoderConfig } from "../graph/config.ts";
import type { FloatTensor } from "../graph/graph.ts";
import {
  HEAD_BIAS,
  HEAD_WEIGHT,
  POSITION_TABLE,
  SEGMENT_TABLE,
  SHAPE_TABLE,
  type Weights,
  WORD_TABLE,
} from "../graph/weights.ts";
import { SHAPE_COUNT } from "../shape.ts";
import { type Arena, createArena, type Start } from "./parameters.ts";
import { toSlices } from "./slices.ts";

/** Names of the CRF's parameters among the dense ones. */
export const CRF_NAMES = { transitions: "crf.transitions", start: "crf.start", end: "crf.end" } as const;

/** The CRF stands outside the graph: its gradients come with the loss. */
export const isCrf = (name: string): boolean => name.startsWith("crf.");

/** What stands on an encoder; a model that is trained further has it. */
const added: readonly string[] = [HEAD_WEIGHT, HEAD_BIAS, SHAPE_TABLE, ...Object.values(CRF_NAMES)];

export interface Arenas {
  /** Word, position, token-type and shape tables, of which a batch reads some rows. */
  readonly tables: Arena;
  /** All the rest. */
  readonly dense: Arena;
}

/**
 * What training begins from: the weights as they came, where they hold no head one drawn from N(0, 0.02²), where they hold
 * no CRF or word shapes zeros.
 */
export function startArenas(
  config: EncoderConfig,
  weights: Weights,
  types: number,
  { seed, wordShape }: { readonly seed: number; readonly wordShape: boolean },
): Arenas {
  const crf = createCrf(types);
  const K = crf.tags;
  const D = config.hidden;
  const tableNames = [WORD_TABLE, POSITION_TABLE, SEGMENT_TABLE];
  const table = (name: string): Start => ({ name, group: "encoder", decays: false, value: weights.get(name)! });
  const given = (name: string, otherwise: () => FloatTensor) => weights.get(name) ?? otherwise();
  const shapeTable = given(SHAPE_TABLE, () => zeros([SHAPE_COUNT, D]));
  const shapes: Start = { name: SHAPE_TABLE, group: "encoder", decays: false, value: shapeTable };
  const dense = [...toSlices(config, weights)]
    .filter(([name]) => !tableNames.includes(name) && !added.includes(name))
    .map(([name, value]): Start => ({ name, group: "encoder", decays: isMatrix(value), value }));
  const head = (name: string, value: FloatTensor): Start => ({ name, group: "head", decays: isMatrix(value), value });
  const score = (name: string, dims: number[]): Start => {
    return { name, group: "head", decays: false, value: given(name, () => zeros(dims)) };
  };
  return {
    tables: createArena([...tableNames.map(table), ...(wordShape ? [shapes] : [])], false),
    dense: createArena([
      ...dense,
      head(
        HEAD_WEIGHT,
        given(HEAD_WEIGHT, () => ({ dims: [D, K], data: normal(D * K, 0.02, seed) })),
      ),
      head(
        HEAD_BIAS,
        given(HEAD_BIAS, () => zeros([K])),
      ),
      score(CRF_NAMES.transitions, [K, K]),
      score(CRF_NAMES.start, [K]),
      score(CRF_NAMES.end, [K]),
    ]),
  };
}

const isMatrix = ({ dims }: FloatTensor): boolean => dims.length > 1;

const zeros = (dims: readonly number[]): FloatTensor => ({
  dims,
  data: new Float32Array(dims.reduce((a, b) => a * b, 1)),
});

/** Normally distributed values by Box and Muller, the same for the same seed. */
function normal(count: number, deviation: number, seed: number): Float32Array {
  let state = seed >>> 0;
  const uniform = () => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => deviation * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
