import { formatSchema, parseBound, z } from "starling-ner";

const offsets = z.record(z.string(), z.record(z.string().regex(/^\d+$/), z.int().nonnegative()));

const bound = z
  .string()
  .refine((written) => parseBound(written) !== undefined, "is neither earliest, latest, a time, nor offsets");

const patternOf = (topic: string): string | undefined => /^\/(.+)\/$/.exec(topic)?.[1];

function isTopic(written: string): boolean {
  try {
    new RegExp(patternOf(written) ?? "");
    return true;
  } catch {
    return false;
  }
}

export const options = z.strictObject({
  client: z.string().min(1).describe("A resource that fills log@1"),
  topics: z
    .array(z.string().min(1).refine(isTopic, "is no regular expression between its slashes"))
    .min(1)
    .describe(
      "Names; one between slashes is a pattern: /^posts-/ stands for the topics that match when the run starts",
    ),
  group: z.string().min(1).default("starling").describe("Consumer group; workers of one group share the partitions"),
  from: z
    .union([
      z.enum(["earliest", "latest"]),
      z.strictObject({ timestamp: z.iso.datetime({ offset: true }) }),
      z.strictObject({ offsets }),
    ])
    .default("earliest")
    .describe(
      "Where a partition begins that the group has committed nothing of: earliest, latest, { timestamp: … } or { offsets: { topic: { 0: 17 } } }",
    ),
  format: formatSchema
    .default({ kind: "auto" })
    .describe("How posts are written: { kind: auto, json, cloudevents or registry; registry: a resource }"),
  range: z
    .strictObject({ from: bound.default("earliest"), until: bound.default("latest") })
    .optional()
    .describe(
      "Read this stretch and end, outside of the group: { from, until }, each earliest, latest, a time, or offsets such as posts/0:17,posts/1:4",
    ),
  maxBytes: z
    .int()
    .positive()
    .default(4 * 1024 * 1024)
    .describe("A larger record is a failed post"),
  inFlight: z.int().positive().default(16_384).describe("Posts read and not settled, at most; then reading pauses"),
  inFlightBytes: z
    .int()
    .positive()
    .default(64 * 1024 * 1024)
    .describe("Their bytes, at most"),
  span: z
    .int()
    .positive()
    .default(200_000)
    .describe("Offsets of one partition behind its oldest post under way, at most; then the partition pauses"),
  repeats: z
    .int()
    .positive()
    .optional()
    .describe(
      "Posts that a crash may repeat, at most: those taken on and not committed; by default the config's window",
    ),
  commitMs: z.int().min(50).max(60_000).default(1000).describe("How often offsets are committed, milliseconds"),
  sessionMs: z
    .int()
    .min(1000)
    .max(300_000)
    .default(30_000)
    .describe("A worker that is not heard of for so long loses its partitions, milliseconds"),
  maxWaitMs: z
    .int()
    .min(10)
    .max(5000)
    .default(100)
    .describe("How long a fetch waits for records where there are none, milliseconds"),
  retry: z
    .strictObject({
      attempts: z.int().min(1).default(5).describe("Deliveries of one post, at most"),
      backoffMs: z.int().positive().default(500).describe("Before the second; doubled each time"),
      maxBackoffMs: z.int().positive().default(30_000),
      maxAgeMs: z.int().positive().default(300_000).describe("An older post is not delivered again"),
      topic: z
        .string()
        .min(1)
        .optional()
        .describe("Where posts wait instead of in their own place; its order is another one"),
    })
    .prefault({})
    .describe("Posts that failed for a reason that may pass: { attempts, backoffMs, maxBackoffMs, maxAgeMs, topic }"),
});

export type Options = z.output<typeof options>;

/** Names as they are, patterns without their slashes. */
export const wantedTopics = ({ topics }: Pick<Options, "topics">): (string | RegExp)[] =>
  topics.map((topic) => {
    const pattern = patternOf(topic);
    return pattern === undefined ? topic : new RegExp(pattern);
  });
