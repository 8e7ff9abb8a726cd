export { type EvaluateSection, evaluateSchema } from "./config.ts";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.ts";
export { refuseShared } from "./guard.ts";
export { type Report, report, show } from "./report.ts";
export { runEvaluation, sectionOf } from "./run.ts";
export { type Labelled, type LabelledSet, labelledOf, readSet } from "./set.ts";
