export * from "./port.ts";
export { type ReadOptions, readSpans } from "./read-spans.ts";
export { type SendRules, sendPatiently } from "./send-patiently.ts";
export { type Bound, parseBound, type Range, type Span, spansOf } from "./spans.ts";
