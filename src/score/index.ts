export { type BootstrapOptions, bootstrapF1, type Interval, mulberry32 } from "./bootstrap.ts";
export { folded, type Score, type Scored, score, seenAndUnseen } from "./score.ts";
export { add, empty, type Prf, prf, sum, type Tally, tallyByType, tallyOf } from "./tally.ts";
