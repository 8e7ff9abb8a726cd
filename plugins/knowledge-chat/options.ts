import { MAX_KNOWLEDGE, z } from "starling-ner";

export const options = z.strictObject({
  chat: z.string().default("llm").describe("A `chat@1` of the config's resources, best a guarded one"),
  bank: z.string().default("bank").describe("The `bank@1` that the neighbours are of"),
  prompt: z
    .string()
    .min(1)
    .default("pgim-1")
    .describe("A prompt that comes with the package, or a folder of prompt files"),
  examples: z.int().nonnegative().max(20).default(5).describe("Neighbours shown as examples at most"),
  structured: z.boolean().default(true).describe("Ask for JSON by a schema; else the free layout of the paper"),
  maxTokens: z.int().positive().default(400).describe("Tokens of an answer at most"),
  maxText: z.int().positive().default(4000).describe("UTF-16 units of a post that are shown at most"),
  maxKnowledge: z.int().positive().default(MAX_KNOWLEDGE).describe("UTF-16 units of the knowledge at most"),
  deadlineMs: z.int().positive().default(20_000).describe("A post waits so long at most, in the queue and for the LLM"),
  reposts: z
    .strictObject({
      similarity: z
        .number()
        .min(0)
        .max(1)
        .default(0.97)
        .describe("Cosine from which a post may be a repost, 1 for equal texts alone"),
      size: z.int().nonnegative().default(1000).describe("Answers kept; 0 turns it off"),
      maxAgeMs: z.int().positive().default(3_600_000).describe("How long an answer is reused"),
    })
    .prefault({}),
});

export type Options = z.output<typeof options>;
