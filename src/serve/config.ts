import { z } from "zod";

export const httpSchema = z.strictObject({
  port: z.int().min(0).max(65_535).describe("0 takes any that is free"),
  host: z.string().min(1).default("127.0.0.1").describe("Address to listen on; 0.0.0.0 for all, as in a container"),
  /** A post in flight that is older makes `/ready` say no, in milliseconds. */
  oldestMs: z.int().positive().default(300_000),
});

export type HttpConfig = z.output<typeof httpSchema>;
