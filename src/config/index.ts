export { didYouMean, nearest } from "./nearest.ts";
export { configInvalid, type Problem, problemAt, showProblem, sortProblems } from "./problem.ts";
export { type Config, configSchema, type PluginUse, pluginUseSchema, type StageUse, stageUseSchema } from "./schema.ts";
export type { Environment } from "./substitute.ts";
export { type ConfigText, type Path, type Position, parseConfigText, readConfigText } from "./text.ts";
export { showPath, type Validated, validate } from "./validate.ts";
