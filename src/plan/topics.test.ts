import { describe, expect, test } from "vitest";
import { parseConfigText, showProblem } from "../config/index.ts";
import { checkConfig } from "../plan.ts";

interface Topics {
  readonly from: string;
  readonly to?: string;
  readonly dead?: string;
  readonly retry?: string;
  readonly client?: string;
  readonly range?: boolean;
}

/** A pipeline from topics to topics; the source stands in line 2, sink and dead letters in 3 and 4. */
async function problems({ from, to = "entities", dead = "letters", retry, client = "a", range = false }: Topics) {
  const more = `${retry === undefined ? "" : `, retry: { topic: ${retry} }`}${range ? ", range: {}" : ""}`;
  const source =
    'resources: { a: { use: log-kafkajs, options: { brokers: ["x:1"] } }, b: { use: log-kafkajs, options: { brokers: ["y:1"] } }, c: { use: log-kafkajs, options: { brokers: "z:1,X:1", clientId: c } } }\n' +
    `source: { use: source-kafka, options: { client: a, topics: ${from}${more} } }\n` +
    `sink: { use: sink-kafka, options: { client: ${client}, topic: ${to} } }\n` +
    `deadLetters: { use: sink-kafka, options: { client: a, topic: ${dead} } }\n`;
  const found = await checkConfig(parseConfigText(source, "x.yaml", {}), { look: false });
  return found.problems.map(showProblem);
}

describe("topics of one pipeline", () => {
  test("are in order where each has one use", async () => {
    expect(await problems({ from: "[posts, '/^tweets-/']", retry: "again" })).toEqual([]);
  });

  test("may not be read and written again, by name, by pattern, or as the place of what failed", async () => {
    const found = await problems({ from: "[posts, '/^ent/']", dead: "posts", retry: "posts" });
    const end = "name another topic [TOPIC_SHARED]";
    expect(found).toEqual([
      expect.stringMatching(/^x.yaml:2:\d+: source would write the topic posts, which source reads; /),
      `x.yaml:3:55: sink would write the topic entities, which source reads by the pattern /^ent/; ${end}`,
      `x.yaml:4:62: deadLetters would write the topic posts, which source reads; ${end}`,
    ]);
  });

  test("may not be written twice", async () => {
    expect(await problems({ from: "[posts]", dead: "entities", retry: "entities" })).toEqual([
      expect.stringMatching(/^x.yaml:3:55: sink would write the topic entities, which source writes; /),
      expect.stringMatching(/^x.yaml:4:62: deadLetters would write the topic entities, which source writes; /),
    ]);
  });

  test("are the same by two clients of one log", async () => {
    expect(await problems({ from: "[posts]", to: "posts", client: "c" })).toEqual([
      expect.stringMatching(/^x.yaml:3:55: sink would write the topic posts, which source reads; /),
    ]);
  });

  test("of two logs are two, and who reads a stretch writes nothing back", async () => {
    expect(await problems({ from: "[posts]", to: "posts", client: "b" })).toEqual([]);
    expect(await problems({ from: "[again]", retry: "again", range: true })).toEqual([]);
  });

  test("and a pattern has to be one", async () => {
    expect(await problems({ from: "['/(/']" })).toEqual([
      "x.yaml:2:61: source.options.topics[0]: is no regular expression between its slashes [CONFIG_VALUE]",
    ]);
  });
});
