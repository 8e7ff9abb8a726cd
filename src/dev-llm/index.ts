export type { Asked } from "./request.ts";
export { type LlmFault, type Rule, type RuleInput, readScript } from "./script.ts";
export { type DevLlm, type DevLlmCounts, type DevLlmMode, type DevLlmOptions, startDevLlm } from "./server.ts";
