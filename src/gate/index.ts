export { doubtOf } from "./doubt.ts";
export { type Asked, fitGain, gainsOf } from "./fit.ts";
export { type GainCurve, type GateFile, gainAt, gainCurveSchema } from "./gain.ts";
export { runningRank } from "./rank.ts";
