export { z } from "zod";
export { readBank } from "./bank/read.ts";
export * from "./bank.ts";
export { tagsFor } from "./bio2/index.ts";
export { type ChatReason, chatReason } from "./chat/reason.ts";
export * from "./chat.ts";
export * from "./child/index.ts";
export { type KnowledgeEntry, parseKnowledge } from "./conll/knowledge.ts";
export { writeDurably } from "./durable.ts";
export { Fault, type FaultCode, isFault } from "./errors.ts";
export type * from "./facts.ts";
export { filesVersion } from "./files-version.ts";
export { doubtOf, type GainCurve, type GateFile, gainAt, gainCurveSchema, runningRank } from "./gate/index.ts";
export * from "./image/index.ts";
export { contextOf, tagInput } from "./input.ts";
export * from "./knowledge/index.ts";
export * from "./ledger/index.ts";
export * from "./log/index.ts";
export { makeFolder } from "./make-folder.ts";
export {
  type AvroSchema,
  contentMode,
  type Decode,
  decoder,
  type Format,
  formatSchema,
  frame,
  isFramed,
  type Message,
  messagePlace,
  type RegisteredSchema,
  type SchemaRegistry,
  schemaRegistry,
} from "./message/index.ts";
export type { Measure, MeasureName } from "./metrics/catalogue.ts";
export * from "./outcome.ts";
export * from "./plugin.ts";
export { printable, printableLines } from "./printable.ts";
export { remember } from "./remember.ts";
export { type DeadLetter, deadLetterSchema } from "./schema/dead-letter.ts";
export { decodePost, type Place as PostPlace } from "./schema/decode.ts";
export { type Entity, type EntityEvent, eventSchema } from "./schema/event.ts";
export { type Feedback, feedbackSchema } from "./schema/feedback.ts";
export { type Image, type Post, postSchema } from "./schema/post.ts";
export { firstBadByte } from "./schema/utf8.ts";
export * from "./tagger.ts";
export { joiningSigns, type Signs, signsOf, splitWords, wordsOf } from "./tokens/index.ts";
export { manifestFile, verifyManifest } from "./train/manifest.ts";
export { readProfile } from "./train/profile-file.ts";
export { readVocabulary, type Vocabulary } from "./train/vocabulary.ts";
export { checkWritable, type Refuse } from "./writable-place.ts";
