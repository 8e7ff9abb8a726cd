export { type ChatClause, type ChatSuite, testChat } from "./chat.ts";
export { testHost } from "./host.ts";
export { type LogClientClause, type LogClientSuite, testLogClient } from "./log.ts";
export { type ResourceSuite, testResource } from "./resource.ts";
export { type Place, type SinkClause, type SinkSuite, testSink } from "./sink.ts";
export { type Held, type SourceClause, type SourceSuite, testSource } from "./source.ts";
export { type StageClause, type StageSuite, testStage } from "./stage.ts";
export type { Suite, Test } from "./suite.ts";
export { type TaggerClause, type TaggerSuite, testTagger } from "./tagger.ts";
