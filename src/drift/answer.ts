import { z } from "zod";
import { Fault } from "../errors.ts";
import type { Told } from "./tell.ts";

const number = z.number();
const unit = z.number().min(0).max(1);
const count = z.number().nonnegative();
const counts = z.record(z.string(), count);
const numbers = z.array(number);

const evaluation = z.object({
  source: z.enum(["labelled", "estimated"]),
  ...{ window: z.string(), model: z.string(), type: z.string(), posts: count, support: count, enough: z.boolean() },
  ...{ precision: unit, recall: unit, f1: unit },
  interval: z.object({ low: unit, high: unit }).optional(),
});

const labelWindow = z.object({
  ...{ window: z.string(), model: z.string(), labels: count },
  ...{ delaySeconds: number.nullable(), calibrationError: number.nullable() },
});

const point = z.object({
  ...{ posts: count, at: number, model: z.string(), estimated: unit.optional() },
  labelled: z.object({ f1: unit, low: unit, high: unit, support: count }).optional(),
  drift: z.record(z.string(), z.tuple([number, number])),
  types: z.record(z.string(), unit),
  disagreement: z.record(z.string(), unit),
});

const toldSchema = z.object({
  schema: z.literal("starling.drift/1"),
  // A Date has no more days than that.
  at: number.min(-8.64e15).max(8.64e15),
  model: z.string(),
  reference: z.object({ version: z.string().nullable(), f1: z.record(z.string(), number) }),
  events: z.object({ ever: count, stored: count }),
  evaluations: z.array(evaluation),
  labels: z.array(labelWindow),
  drift: z.array(
    z.object({
      ...{ feature: z.string(), score: number, threshold: number },
      ...{ buckets: z.array(z.string()), reference: numbers, live: numbers },
    }),
  ),
  disagreement: z.array(z.object({ pair: z.string(), score: unit, posts: count })),
  history: z.array(point),
  notes: z.array(z.string()),
  counts: z.object({ events: counts, feedback: counts.optional() }),
  waiting: count,
});

/** What `/report` of `starling drift` answered; `address` is where. Throws INPUT_INVALID where another service did. */
export function readAnswer(text: string, address: string): Told {
  const found = toldSchema.safeParse(parsed(text));
  if (found.success) return found.data as Told;
  const [{ path }] = found.error.issues as [z.core.$ZodIssue];
  const where = path.length > 0 ? ` (${path.join(".").slice(0, 100)})` : "";
  throw new Fault("INPUT_INVALID", { input: address, reason: `it is no report of starling drift${where}` });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
