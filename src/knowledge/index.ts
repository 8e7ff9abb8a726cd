export type { Answer, NamedEntity } from "./answer.ts";
export { MAX_NAMES, markNames, type NameRun, nameFinder, nameKey, nameRuns } from "./mark-names.ts";
export { parseAnswer } from "./parse-answer.ts";
export { parseRecorded, parseRecordedLine, type Recorded, recordedSchema, textKey } from "./recorded.ts";
export { MAX_KNOWLEDGE, oneLine, renderKnowledge } from "./render.ts";
