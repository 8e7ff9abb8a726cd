import type { GainCurve } from "starling-ner";

export const defaultCurve: GainCurve = { doubts: [0.02, 0.1, 0.3, 1], gains: [0, 1, 3, 8], spread: [0, 0.1, 1] };
