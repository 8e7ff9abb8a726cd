import { z } from "zod";

const goldSchema = z
  .strictObject({
    start: z.int().nonnegative().describe("First UTF-16 unit of the post's text"),
    end: z.int().positive().describe("UTF-16 unit after the last"),
    type: z.string().min(1),
  })
  .refine(({ start, end }) => end > start, "ends before it starts");

const fields = z.strictObject({
  schema: z.literal("starling.feedback/1"),
  key: z.string().min(1).optional().describe("The event's key"),
  postId: z.string().min(1).optional().describe("The post's id, where the key is not at hand"),
  model: z
    .string()
    .min(1)
    .optional()
    .describe("Version of the model whose answer led to the label; it then counts for that model alone"),
  entities: z.array(goldSchema).readonly().describe("All that a person marked, also where that is nothing"),
  weight: z
    .number()
    .positive()
    .max(1e6)
    .default(1)
    .describe("How many posts this one stands for: 1 / the probability that it was picked"),
  labelledAt: z.iso.datetime({ offset: true, error: "is not a time such as 2026-05-02T19:41:00Z" }),
});

/** What a person says of one post, for `starling drift`. */
export const feedbackSchema = fields.refine(
  ({ key, postId }) => key !== undefined || postId !== undefined,
  "names no post: give its event's key, or its postId",
);

export type Feedback = Readonly<z.output<typeof feedbackSchema>>;
