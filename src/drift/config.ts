import { z } from "zod";
import { features } from "./population.ts";

const names = z.array(z.string().min(1)).min(1);

/** Where records come from: topics of the config's log, or files of JSON lines (plain or gzip). */
const placeSchema = z.union([
  z.strictObject({ topics: names, files: z.never().optional() }),
  z.strictObject({ files: names, topics: z.never().optional() }),
]);

/** The section `drift:` of a config; paths start at the config's folder. */
export const driftSchema = z
  .strictObject({
    /** What the pipeline writes. */
    events: placeSchema,
    /** What people say of it; without it, F1 is only estimated. */
    feedback: placeSchema.optional(),
    /** The `log@1` resource to reach topics by; needed where the config has several. */
    client: z.string().min(1).optional(),
    group: z.string().min(1).default("starling-drift"),
    /** File that keeps what is joined; without it nothing is kept, which only files allow. */
    store: z.string().min(1).optional(),
    /** Folder of the model that answers: its profile and its scores are the reference. */
    model: z.string().min(1).optional(),
    /** F1 that the model reaches on held-out posts like those of the stream, in place of all that its card says. */
    reference: z.strictObject({ f1: z.number().positive().max(1) }).optional(),
    /** Type of a label to the model's type, such as OTHER to MISC. */
    labelMap: z.record(z.string(), z.string()).default({}),
    /** Windows of labels: those made in so many hours, and the newest so many. */
    hours: z.int().min(1).max(168).default(24),
    posts: z.int().min(100).max(10_000).default(2000),
    /** F1 of fewer marked entities is not told. */
    support: z.int().min(1).default(200),
    population: z
      .strictObject({
        /** The newest posts that are held against the profile; at least half of them must be there. */
        posts: z.int().min(200).max(10_000).default(1000),
        /** Divergence above which a feature counts as drifted, in place of the computed one. */
        thresholds: z.partialRecord(z.enum(features), z.number().min(0).max(1)).default({}),
        ignore: z.array(z.enum(features)).default([]),
      })
      .prefault({}),
    keep: z
      .strictObject({
        /** Events kept for labels to come, at most. */
        events: z.int().min(1000).max(100_000_000).default(1_000_000),
        labels: z.int().min(1000).max(10_000_000).default(100_000),
        /** Labels whose event has not come, at most, and for how long. */
        waiting: z.int().min(1).max(10_000_000).default(100_000),
        waitingHours: z.number().positive().max(8760).default(72),
      })
      .prefault({}),
    /** Posts between two points of the report. */
    every: z.int().min(10).max(100_000).default(250),
  })
  // What is known by its version is compared with what has the same.
  .refine(({ reference, model }) => reference === undefined || model !== undefined, {
    path: ["reference"],
    error: "drift.reference is of a model: name its folder in drift.model",
  })
  .superRefine(({ events, feedback, store }, { addIssue }) => {
    const refuse = (path: string[], message: string) => addIssue({ code: "custom", path, message });
    if (store === undefined && (events.topics ?? feedback?.topics) !== undefined)
      refuse(
        [],
        "drift reads topics and has no store; name a file in drift.store: it joins labels that come later, and knows where to go on",
      );
    for (const how of ["topics", "files"] as const) {
      const both = events[how]?.find((name) => feedback?.[how]?.includes(name));
      if (both !== undefined) refuse(["feedback", how], `${both} holds the events; name that of the labels`);
    }
  });

export type DriftSection = z.output<typeof driftSchema>;
