import type { GainCurve } from "starling-ner";

export const defaultCurve: GainCurve = { doubts: [0, 1], gains: [0, 2], spread: [0, 0.1, 1] };
