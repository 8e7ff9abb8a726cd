export { compare, type Difference } from "./compare.ts";
export { diffResults, type PostDifference, type Summary, tellSummary } from "./diff.ts";
export { recordsOfFile, recordsOfTopic } from "./records.ts";
export { type PairBy, type Results, resultsOf } from "./results.ts";
