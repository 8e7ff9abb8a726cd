import kafkajs from "kafkajs";
import { Fault, type LogClient, type Moment, type Position } from "starling-ner";
import type { Connection } from "./connection.ts";
import { joinGroup } from "./consumer.ts";
import { openProducer, openTransactional } from "./producer.ts";

/** `log@1` by kafkajs. */
export function createClient(connection: Connection): LogClient {
  const { admin, brokers } = connection;

  const topics: LogClient["topics"] = (names) =>
    admin("asking for topics", async (opened) => {
      const there = new Set(await opened.listTopics());
      for (const name of names ?? []) if (!there.has(name)) await missing(name);
      const wanted = names ?? [...there].filter((name) => !name.startsWith("__"));
      if (wanted.length === 0) return new Map();
      const found = await opened.fetchTopicMetadata({ topics: [...wanted] });
      return new Map(found.topics.map(({ name, partitions }) => [name, partitions.length]));
    });
  /** A list leaves out what we may not see; asked for by its name, the broker says which it is. */
  const missing = async (topic: string): Promise<never> => {
    const refused = await connection
      .admin(`the topic ${topic}`, (opened) => opened.fetchTopicMetadata({ topics: [topic] }), topic)
      .catch((fault: Fault) => fault);
    throw refused instanceof Error && (refused as Fault).code === "LOG_FORBIDDEN"
      ? refused
      : new Fault("LOG_TOPIC_MISSING", { topic, brokers });
  };
  const matching = async (wanted: readonly (string | RegExp)[]): Promise<string[]> => {
    const names = wanted.filter((one) => typeof one === "string");
    const patterns = wanted.filter((one) => typeof one !== "string");
    await topics(names);
    if (patterns.length === 0) return names;
    const all = [...(await topics()).keys()];
    for (const pattern of patterns)
      if (!all.some((name) => pattern.test(name)))
        throw new Fault("LOG_TOPIC_MISSING", { topic: `that matches ${pattern.source}`, brokers });
    return [...new Set([...names, ...all.filter((name) => patterns.some((pattern) => pattern.test(name)))])];
  };

  return {
    address: brokers,
    topics,
    maxRecordBytes: (topic) =>
      admin(`the settings of ${topic}`, async (opened) => {
        const wanted = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ["max.message.bytes"] };
        const { resources } = await opened.describeConfigs({ resources: [wanted], includeSynonyms: false });
        const value = Number(resources[0]?.configEntries[0]?.configValue);
        return Number.isInteger(value) && value > 0 ? value : undefined;
      }).catch(() => undefined),
    offsets: (topic, at) =>
      admin(
        `asking for the offsets of ${topic}`,
        async (opened) => {
          const found =
            at instanceof Date
              ? await opened.fetchTopicOffsetsByTimestamp(topic, at.getTime())
              : (await opened.fetchTopicOffsets(topic)).map((one) => ({ ...one, offset: endOf(one, at) }));
          return found.map(({ partition, offset }): Position => ({ topic, partition, offset: Number(offset) }));
        },
        topic,
      ),
    committed: (group, topic) =>
      admin(
        `asking for the offsets of the group ${group}`,
        async (opened) => {
          const found = await opened.fetchOffsets({ groupId: group, topics: [topic] });
          return found
            .flatMap(({ partitions }) => partitions)
            .map(({ partition, offset }): Position => ({ topic, partition, offset: Number(offset) }))
            .filter(({ offset }) => offset >= 0);
        },
        topic,
      ),
    consumer: async (options, events) => joinGroup(connection, await matching(options.topics), options, events),
    producer: (options = {}) => openProducer(connection, options),
    transactional: (id, options = {}) => openTransactional(connection, id, options),
  };
}

const endOf = ({ low, high }: { readonly low: string; readonly high: string }, at: Exclude<Moment, Date>) =>
  at === "earliest" ? low : high;
