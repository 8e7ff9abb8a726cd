import { z } from "starling-ner";

export const options = z.strictObject({
  client: z.string().min(1).describe("A resource that fills log@1"),
  topic: z.string().min(1),
  partitionBy: z
    .enum(["key", "author", "origin"])
    .default("key")
    .describe(
      "What decides the partition. key: that of the event, evenly spread; author: one author's events stay in order; origin: the partition of the post",
    ),
  compression: z.enum(["none", "gzip", "snappy", "lz4", "zstd"]).default("none"),
  schema: z
    .strictObject({ registry: z.string().min(1), subject: z.string().min(1).optional() })
    .optional()
    .describe(
      "Write events by the newest schema of a registry instead of as plain JSON: { registry: a resource, subject: by default TOPIC-value }",
    ),
  patienceMs: z
    .int()
    .nonnegative()
    .default(300_000)
    .describe("How long a write is tried again that failed for a reason that may pass; then the run stops"),
});

export type Options = z.output<typeof options>;
