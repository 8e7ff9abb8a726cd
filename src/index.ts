export { z } from "zod";
export { Fault, type FaultCode, isFault } from "./errors.ts";
export type * from "./facts.ts";
export * from "./outcome.ts";
export * from "./plugin.ts";
export type { DeadLetter } from "./schema/dead-letter.ts";
export type { EntityEvent } from "./schema/event.ts";
export type { Post } from "./schema/post.ts";
export * from "./tagger.ts";
