import { z } from "zod";

const bounds = { start: z.int().nonnegative(), end: z.int().positive() };

export const entitySchema = z.strictObject({
  text: z.string().min(1).describe("post.text from start to end"),
  type: z.string().min(1),
  start: bounds.start.describe("First UTF-16 unit of the post's text"),
  end: bounds.end.describe("UTF-16 unit after the last"),
  codePoints: z.strictObject(bounds).describe("The same bounds in Unicode code points"),
  words: z.strictObject(bounds).describe("The same bounds in words"),
  confidence: z.number().min(0).max(1).describe("Calibrated probability of exactly this span and type"),
});

export type Entity = Readonly<z.output<typeof entitySchema>>;

const reasons = z.array(z.strictObject({ stage: z.string().min(1), reason: z.string().min(1) })).readonly();

const count = z.int().nonnegative();

/** Numbers alone, so that whoever watches the stream for drift needs neither the posts nor their texts. */
const inputSchema = z.strictObject({
  characters: count.describe("UTF-16 units of the post's text"),
  words: count,
  language: z.string().min(1).describe("BCP 47; und where nobody said"),
  images: count,
  knowledgeCharacters: count,
  novelty: z
    .strictObject({ words: count, unknown: count })
    .optional()
    .describe("Words without links, handles and numbers, and those of them that the model's training data lacks"),
});

export const eventSchema = z.strictObject({
  schema: z.literal("starling.entities/1"),
  key: z
    .string()
    .min(1)
    .describe("lane:offset:pipeline version; the same post through the same pipeline gives the same key"),
  postId: z.string().min(1),
  revision: z
    .int()
    .min(0)
    .max(1)
    .describe("0 for the first event of a post, 1 for its correction; consumers keep the highest"),
  final: z.boolean().describe("No later revision of this post will come"),
  model: z.string().min(1).describe("Version of the model that found the entities; none where no stage tags"),
  entities: z.array(entitySchema).readonly(),
  expected: z
    .strictObject({ correct: z.number().nonnegative(), gold: z.number().nonnegative() })
    .optional()
    .describe("Expected counts under the model: of these entities that are right, and of all that are there"),
  input: inputSchema.optional().describe("What the model read, in numbers"),
  ask: z
    .strictObject({
      yes: z.boolean(),
      gain: z.number().describe("Expected, in F1 points"),
      reason: z.string().min(1),
    })
    .optional()
    .describe("Whether a language model was asked, and why; absent where no stage decides that"),
  captions: z
    .array(z.strictObject({ image: z.int().nonnegative(), text: z.string(), source: z.string() }))
    .readonly()
    .describe("What is seen on the images; image is an index into the post's images"),
  knowledge: z
    .strictObject({
      source: z.string().describe("Plugin, model and prompt version that wrote it"),
      usd: z.number().nonnegative().describe("What it cost, in US dollars"),
      neighbours: z.array(z.string()).describe("Ids of the labelled posts shown with the question"),
      names: z.array(z.strictObject({ text: z.string(), type: z.string(), inPost: z.boolean() })),
    })
    .readonly()
    .nullable(),
  passed: reasons.describe("Stages that had nothing to add, and why"),
  degraded: reasons.describe("Stages that could not do their part, and why"),
  timings: z
    .strictObject({ totalMs: z.number().nonnegative(), stages: z.record(z.string(), z.number().nonnegative()) })
    .describe("Milliseconds from reading to handing to the sink, and inside each stage"),
});

export type EntityEvent = Readonly<z.output<typeof eventSchema>>;
