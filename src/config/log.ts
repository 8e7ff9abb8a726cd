import { z } from "zod";

export const logSchema = z.strictObject({
  /** The least that is told. */
  level: z.enum(["debug", "info", "warn", "error"]).default("info"),
  /** Whether lines may hold texts of posts and addresses in them. */
  posts: z.boolean().default(false),
});

export type LogConfig = z.output<typeof logSchema>;
