export * from "./crf.ts";
export * from "./decode.ts";
export * from "./loss.ts";
export { expectedMentions, infer, inferredLogZ, logZ, marginals } from "./marginals.ts";
export * from "./spans.ts";
export * from "./tags.ts";
export * from "./temperature.ts";
export { viterbi } from "./viterbi.ts";
export { createWorkspace, type Distribution, plain, type Workspace } from "./workspace.ts";
