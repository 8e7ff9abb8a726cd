import type { Cluster } from "kafkajs";
import { Fault, type Host, isFault } from "starling-ner";
import { topicIds } from "./topic-ids.ts";

/** What to do where offsets mean other records than they did. */
export const MADE_ANEW = "the topic was made anew; set the group's offsets, or take another group";

/**
 * Throws LOG_FAILED where a topic is not the one that it was at an earlier call: its offsets begin again, so that going on
 * from those before would leave out what the new one holds. Where the brokers cannot tell, nothing is said.
 */
export function watchTopics(cluster: Cluster, log: Host["log"]): (topics: readonly string[]) => Promise<void> {
  const known = new Map<string, string>();
  return async (topics) => {
    try {
      const found = await topicIds(await cluster.findControllerBroker(), topics);
      for (const [topic, id] of found) {
        const before = known.get(topic) ?? id;
        known.set(topic, before);
        if (before !== id) throw new Fault("LOG_FAILED", { what: `reading ${topic}`, reason: MADE_ANEW });
      }
    } catch (error) {
      if (isFault(error)) throw error;
      log("whether topics were made anew is not known", { topics, reason: (error as Error).message });
    }
  };
}
