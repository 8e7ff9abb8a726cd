import { isTopic, topicsOf } from "../plan/topics.ts";
import type { Plan } from "../plan.ts";

/** What a topic holds that a pipeline writes to it; posts, and events of a replay, do not belong there. */
export function writtenAs(topic: string, { sink, deadLetters }: Plan): string | undefined {
  const writes = (part: Plan["sink"] | Plan["deadLetters"]) =>
    part !== undefined && topicsOf(part).some((use) => isTopic(topic, use.topic));
  if (writes(sink)) return "where the config sends its events";
  return writes(deadLetters) ? "the topic of dead letters" : undefined;
}
