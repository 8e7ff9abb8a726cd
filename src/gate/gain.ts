import { z } from "zod";

/**
 * What asking about a post is expected to bring, by the doubt of its draft: linear between knots, flat outside of them.
 * Gains are in F1 points: what a whole set would gain if each of its posts gained as much.
 */
export interface GainCurve {
  /** Rising. */
  readonly doubts: readonly number[];
  /** One for each doubt; never falling. */
  readonly gains: readonly number[];
  /** Doubts of the posts that it was fitted to at evenly spaced ranks, the least and the greatest among them. */
  readonly spread: readonly number[];
}

const numbers = z.array(z.number()).min(1);

/** `gate.json`: a curve with what it was fitted to. */
export const gainCurveSchema = z
  .object({
    schema: z.literal("starling.gate/1"),
    /** Version of the model that wrote drafts and last taggings. */
    model: z.string(),
    /** Fingerprint of the posts. */
    data: z.string(),
    posts: z.int().positive(),
    doubts: numbers,
    gains: numbers,
    spread: numbers.min(2),
  })
  .refine(({ doubts, gains }) => doubts.length === gains.length, { error: "one gain for each doubt", path: ["gains"] })
  .refine(({ doubts }) => doubts.every((doubt, i) => i === 0 || doubt > doubts[i - 1]!), {
    error: "each doubt above the one before it",
    path: ["doubts"],
  });

export type GateFile = Readonly<z.output<typeof gainCurveSchema>>;

/** Expected gain of asking about a post, in F1 points. */
export function gainAt({ doubts, gains }: Pick<GainCurve, "doubts" | "gains">, doubt: number): number {
  const above = doubts.findIndex((knot) => knot >= doubt);
  if (above === 0) return gains[0]!;
  if (above === -1) return gains.at(-1)!;
  const [low, high] = [doubts[above - 1]!, doubts[above]!];
  const [from, to] = [gains[above - 1]!, gains[above]!];
  return from + ((to - from) * (doubt - low)) / (high - low);
}
