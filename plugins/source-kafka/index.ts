import { decoder, defineSource, log, type SchemaRegistry, schemaRegistry, type TopicUse } from "starling-ner";
import { type Options, options, wantedTopics } from "./options.ts";
import { openRange } from "./range.ts";
import { openReader } from "./reader.ts";

export default defineSource({
  name: "source-kafka",
  about: "Posts from Kafka topics, as a member of a consumer group.",
  options,
  borrows: ({ client, format: { registry } }) => [
    { port: log, name: client },
    ...(registry === undefined ? [] : [{ port: schemaRegistry, name: registry }]),
  ],
  reorders: ({ retry }) => retry.topic !== undefined,
  topics: (given) => [
    ...wantedTopics(given).map(
      (topic, i): TopicUse => ({ client: given.client, topic, how: "reads", option: ["topics", i] }),
    ),
    ...retryTopic(given),
  ],
  async open(given, host) {
    const client = host.borrow(log, given.client);
    const { format, retry } = given;
    const registry: SchemaRegistry | undefined =
      format.registry === undefined ? undefined : host.borrow(schemaRegistry, format.registry);
    const names = wantedTopics(given).filter((topic) => typeof topic === "string");
    // Before anything is read: a topic that is missing must not show in the middle of a run.
    await client.topics(retry.topic === undefined ? names : [...names, retry.topic]);
    const decode = decoder(format, registry);
    const { range } = given;
    if (range !== undefined) return openRange({ client, options: { ...given, range }, decode });
    return openReader({ client, options: given, decode, host });
  },
});

/** Who reads a stretch sends nothing back. */
const retryTopic = ({ client, retry: { topic }, range }: Options): readonly TopicUse[] =>
  topic === undefined || range !== undefined ? [] : [{ client, topic, how: "writes", option: ["retry", "topic"] }];
