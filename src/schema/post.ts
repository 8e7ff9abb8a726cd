import { z } from "zod";

/** Bounds in UTF-16 units of the post's text, `[start, end)`. */
const span = { start: z.int().nonnegative(), end: z.int().positive() };

export const imageSchema = z.strictObject({
  /** A data URI, an https URL, or a path beside the input file. Exactly one of `src` and `bytes`. */
  src: z.string().optional(),
  /** Base64. */
  bytes: z.string().optional(),
  alt: z.string().optional(),
});

export const postSchema = z.strictObject({
  schema: z.literal("starling.post/1").optional(),
  id: z.string().min(1),
  text: z.string(),
  images: z.array(imageSchema).optional(),
  /** BCP 47. */
  language: z.string().optional(),
  /** RFC 3339. */
  createdAt: z.string().optional(),
  author: z.strictObject({ handle: z.string() }).optional(),
  /** Word bounds, for text that was tokenised before; without it the text is split into words here. */
  words: z.array(z.strictObject(span)).optional(),
  /** Entities that a person marked. */
  labels: z.array(z.strictObject({ ...span, type: z.string() })).optional(),
});

/** A text and its images, as the source delivered them. It never changes. */
export type Post = Readonly<z.output<typeof postSchema>>;
