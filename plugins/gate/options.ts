import { z } from "starling-ner";

export const options = z
  .strictObject({
    mode: z
      .enum(["expected", "always", "never"])
      .default("expected")
      .describe("Ask where the expected gain is worth it, about every post, or about none"),
    cost: z
      .number()
      .nonnegative()
      .optional()
      .describe("F1 points that asking must be expected to bring; 1 where no share is named"),
    share: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe("Instead of a cost: share of the posts to ask about, those with the most doubt among the last 1,000"),
    curve: z
      .string()
      .min(1)
      .optional()
      .describe(
        "File that `starling evaluate CONFIG --gate --save FILE` wrote; by default a curve of the sets Twitter-2015 and 2017",
      ),
  })
  .refine(({ cost, share }) => cost === undefined || share === undefined, {
    error: "name a cost or a share, not both",
    path: ["share"],
  });

export type Options = z.output<typeof options>;
