export { type BatchLog, openBatchLog } from "./batch-log.ts";
export { type CorpusPost, conllPosts, isConll, sourcePosts } from "./corpus.ts";
export { openRecords, type RecordFile } from "./output.ts";
export type { BatchMode } from "./questions.ts";
export { type Estimate, openRecorder, type Recorder, type RecordSummary } from "./record.ts";
export { recordingPlan } from "./recording-plan.ts";
