export { type CorpusPost, conllPosts, isConll, sourcePosts } from "./corpus.ts";
export { openRecords, type RecordFile } from "./output.ts";
export { type Estimate, openRecorder, type Recorder, recordingPlan } from "./record.ts";
