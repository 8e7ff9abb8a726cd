import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Fault } from "../errors.ts";
import type { Profile } from "./profile.ts";

const shares = z.record(z.string(), z.number());
const histogram = z.object({ edges: z.array(z.number()), shares: z.array(z.number()) });
const population = z.object({
  posts: z.number(),
  words: histogram,
  languages: shares,
  imageShare: z.number(),
  unknownWordRate: z.number(),
  captionCharacters: histogram,
  knowledgeCharacters: histogram,
  mentions: histogram,
  types: shares,
  typesByShape: shares.optional(),
  confidence: histogram.optional(),
});
const profile = z.object({
  schema: z.literal("starling.profile/1"),
  train: population,
  valid: population,
  vocabulary: z.object({ bits: z.number(), hashes: z.number(), base64: z.string().min(1) }),
  calibration: z.object({ correct: z.number().positive(), gold: z.number().positive() }).optional(),
});

export const PROFILE_FILE = "profile.json";

/** The reference profile of a model folder; undefined where it has none. Throws PROFILE_BROKEN. */
export async function readProfile(folder: string): Promise<Profile | undefined> {
  const file = join(folder, PROFILE_FILE);
  try {
    return profile.parse(JSON.parse(await readFile(file, "utf8"))) as Profile;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const why = cause instanceof z.ZodError ? firstOf(cause) : (cause as Error).message;
    throw new Fault("PROFILE_BROKEN", { file, why }, { cause });
  }
}

const firstOf = ({ issues: [first] }: z.ZodError) => `${first!.path.join(".") || "it"}: ${first!.message}`;
