import { z } from "zod";

const bounds = {
  start: z.int().nonnegative().describe("First UTF-16 unit of the post's text"),
  end: z.int().positive().describe("UTF-16 unit after the last"),
};

const alt = z.string().optional().describe("What the author says is on the image");

const neither = "src and bytes exclude each other";

/** One image: somewhere (`src`), or here (`bytes`). The absent one is declared, so that both can be read without asking which it is. */
export const imageSchema = z.union([
  z.strictObject({
    src: z.string().min(1).describe("A data URI, an http or https URL, or a path beside the input file"),
    bytes: z.never({ error: neither }).optional(),
    alt,
  }),
  z.strictObject({
    src: z.never({ error: neither }).optional(),
    bytes: z.base64().min(4).describe("The file, base64"),
    alt,
  }),
]);

export type Image = Readonly<z.output<typeof imageSchema>>;

const fields = z.strictObject({
  schema: z.literal("starling.post/1").optional(),
  id: z.string().min(1),
  text: z.string().regex(/\S/, "is empty").describe("Not blank"),
  images: z.array(imageSchema).readonly().optional(),
  language: z
    .string()
    .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/, "is not a BCP 47 tag such as en or pt-BR")
    .optional()
    .describe("BCP 47"),
  createdAt: z.iso
    .datetime({ offset: true, error: "is not a time such as 2026-05-02T19:41:00Z" })
    .optional()
    .describe("RFC 3339"),
  author: z.strictObject({ handle: z.string().min(1) }).optional(),
  words: z
    .array(z.strictObject(bounds))
    .readonly()
    .optional()
    .describe("Word bounds of text that was tokenised before; without them the text is split into words here"),
  labels: z
    .array(z.strictObject({ ...bounds, type: z.string().min(1) }))
    .readonly()
    .optional()
    .describe("Entities that a person marked"),
});

/** What a post may hold. */
export const postKeys: readonly string[] = Object.keys(fields.shape);

/** Spans that leave the text would give words of undefined text, far from the source that marked them. */
export const postSchema = fields.superRefine(({ text, words, labels }, context) => {
  if (words !== undefined) {
    let from = 0;
    for (const [i, { start, end }] of words.entries()) {
      if (start < from || end <= start || end > text.length)
        context.addIssue({
          code: "custom",
          path: ["words", i],
          message: `[${start}, ${end}) does not follow ${from} inside a text of ${text.length}`,
        });
      from = end;
    }
  }
  for (const [i, { start, end }] of labels?.entries() ?? [])
    if (end <= start || end > text.length)
      context.addIssue({
        code: "custom",
        path: ["labels", i],
        message: `[${start}, ${end}) is not inside a text of ${text.length}`,
      });
});

/** A text and its images, as the source delivered them. It never changes. */
export type Post = Readonly<z.output<typeof postSchema>>;
