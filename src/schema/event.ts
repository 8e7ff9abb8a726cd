import { z } from "zod";

export const entitySchema = z.strictObject({
  text: z.string(),
  type: z.string(),
  /** UTF-16 units of the post's text, `[start, end)`. */
  start: z.int().nonnegative(),
  end: z.int().positive(),
  /** The same bounds in Unicode code points. */
  codePoints: z.strictObject({ start: z.int().nonnegative(), end: z.int().positive() }),
  /** The same bounds in words. */
  words: z.strictObject({ start: z.int().nonnegative(), end: z.int().positive() }),
  /** Calibrated probability of exactly this span and type. */
  confidence: z.number().min(0).max(1),
});

const reason = z.strictObject({ stage: z.string(), reason: z.string() });

export const eventSchema = z.strictObject({
  schema: z.literal("starling.entities/1"),
  /** The same post through the same pipeline gives the same key: lane, offset and pipeline version. */
  key: z.string(),
  postId: z.string(),
  /** 0 for the first event of a post, 1 for its correction. Consumers keep the highest. */
  revision: z.int().min(0).max(1),
  final: z.boolean(),
  model: z.string(),
  entities: z.array(entitySchema),
  captions: z.array(z.strictObject({ image: z.int(), text: z.string(), source: z.string() })),
  knowledge: z
    .strictObject({
      source: z.string(),
      usd: z.number(),
      neighbours: z.array(z.string()),
      names: z.array(z.strictObject({ text: z.string(), type: z.string(), inPost: z.boolean() })),
    })
    .nullable(),
  /** Stages that had nothing to add, and why. */
  passed: z.array(reason),
  /** Stages that could not do their part, and why. */
  degraded: z.array(reason),
  /** Milliseconds from reading to emitting, and inside each stage. */
  timings: z.strictObject({ totalMs: z.number(), stages: z.record(z.string(), z.number()) }),
});

export type EntityEvent = Readonly<z.output<typeof eventSchema>>;
