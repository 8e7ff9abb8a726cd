import { z } from "zod";

export const deadLetterSchema = z.strictObject({
  schema: z.literal("starling.dead-letter/1"),
  key: z.string(),
  /** Null where the bytes could not be read as a post. */
  postId: z.string().nullable(),
  /** The stage that failed; `source` where the bytes could not be read as a post. */
  stage: z.string(),
  /** Fault code, or `UNEXPECTED`. */
  code: z.string(),
  reason: z.string(),
  attempts: z.int().positive(),
  origin: z.strictObject({
    lane: z.string(),
    offset: z.string(),
    headers: z.record(z.string(), z.string()).optional(),
    /** Of the record, base64. */
    key: z.string().optional(),
  }),
  /** The original bytes, base64: the post can be sent again unchanged. */
  bytes: z.string(),
  /** How many they were, where they were too many for the letter: then `bytes` is empty, and they stay at `origin`. */
  leftOut: z.int().positive().optional(),
  /** Bytes of the origin's headers, and of its key, where those were too many as well. */
  leftOutHeaders: z.int().positive().optional(),
  leftOutKey: z.int().positive().optional(),
});

export type DeadLetter = Readonly<z.output<typeof deadLetterSchema>>;
