export { lettersOfFile, linesOf, readable } from "./from-file.ts";
export { lettersOfTopic } from "./from-topic.ts";
export { bytesOf, type Filter, type Found, originOf, passes } from "./letter.ts";
export { emptyCount, fileOutbox, type Outbox, type ReplayCount, replayLetters, topicOutbox } from "./replay.ts";
export { tallyLetters } from "./tally.ts";
