import { z } from "zod";
import { httpSchema } from "../serve/config.ts";
import { logSchema } from "./log.ts";

const options = z.record(z.string(), z.unknown());

/** Which plugin, and its own options. */
export const pluginUseSchema = z.strictObject({
  /** A built-in plugin, a file beside the config (`./x.js`), or an npm package. */
  use: z.string().min(1),
  /** The plugin's own options. */
  options: options.default({}),
});

export const stageUseSchema = z.strictObject({
  ...pluginUseSchema.shape,
  /** Unique in the pipeline; by default the plugin's name. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/, "lower case letters, digits, dots and dashes")
    .optional(),
  /** Posts in one batch, at most. */
  batch: z.int().positive().max(65_536).default(1),
  /** How long the first post of a batch waits for others, in milliseconds. */
  waitMs: z.number().nonnegative().max(60_000).default(0),
  /** Batches running at the same time, at most. */
  concurrency: z.int().positive().max(4096).default(1),
  /** Time limit of one batch, in milliseconds. */
  timeoutMs: z.int().positive().max(3_600_000).default(30_000),
  /** A post that fails goes on without the fact, goes to the dead letters, or stops the run. */
  onFail: z.enum(["skip", "divert", "stop"]).default("divert"),
  /** A batch closes when the characters of its posts pass this limit. */
  cost: z.int().positive().optional(),
});

export const configSchema = z.strictObject({
  /** Posts read and not yet settled, at most. */
  window: z.int().positive().max(1_000_000).default(512),
  /** What a crash may do: repeat the last events, or nothing, by transactions of the log. */
  delivery: z.enum(["at-least-once", "exactly-once"]).default("at-least-once"),
  /** Events leave in any order, in the order of the posts of one key, or of one partition. */
  order: z.enum(["none", "key", "partition"]).default("none"),
  /** How long a stop waits for posts under way, in milliseconds. */
  drainMs: z.int().nonnegative().max(3_600_000).default(25_000),
  source: pluginUseSchema.optional(),
  sink: pluginUseSchema.optional(),
  /** Where posts go that could not be handled; a sink. */
  deadLetters: pluginUseSchema.optional(),
  /** What stages borrow, by the name they borrow it by. */
  resources: z.record(z.string().min(1), pluginUseSchema).default({}),
  stages: z.array(stageUseSchema).default([]),
  /** Where `/metrics`, `/live` and `/ready` answer while `starling run` runs; without it, nowhere. */
  http: httpSchema.optional(),
  /** A log of JSON lines on standard error; without it only `--verbose` makes one. */
  log: logSchema.optional(),
  /** Read by `starling train`, which checks it. */
  train: options.optional(),
  /** Read by `starling evaluate`, which checks it. */
  evaluate: options.optional(),
  /** Read by `starling drift`, which checks it. */
  drift: options.optional(),
});

export type PluginUse = z.output<typeof pluginUseSchema>;
export type StageUse = z.output<typeof stageUseSchema>;
export type Config = z.output<typeof configSchema>;
