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
    key: z.string().optional().describe("The record's key, base64"),
  }),
  /** The original bytes, base64: the post can be sent again unchanged. */
  bytes: z.string(),
});

export type DeadLetter = Readonly<z.output<typeof deadLetterSchema>>;
