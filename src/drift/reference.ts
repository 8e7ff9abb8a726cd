import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Fault } from "../errors.ts";
import { readManifest } from "../train/manifest.ts";
import type { Calibration } from "../train/profile.ts";
import { readProfile } from "../train/profile-file.ts";
import { uncalibrated } from "./estimate.ts";
import { typeName } from "./evaluate.ts";
import { type Feature, type Reference, referencesOf } from "./population.ts";

const scores = z.object({ f1: z.number(), types: z.record(z.string(), z.object({ f1: z.number() })).default({}) });
const card = z.object({ scores: z.object({ int8: scores.optional(), fp32: scores.optional() }) });

/** What a model is held against: its own scores and population when it was made. */
export interface ModelReference {
  /** Version of the model; undefined where no folder is named. */
  readonly version: string | undefined;
  /** F1 on held-out posts, 0 to 1, by type; `all` is micro. */
  readonly f1: Readonly<Record<string, number>>;
  readonly population: readonly Reference[];
  readonly calibration: Calibration;
  /** What cannot be told, and why; for people. */
  readonly notes: readonly string[];
}

const nothing: ModelReference = {
  version: undefined,
  f1: {},
  population: [],
  calibration: uncalibrated,
  notes: ["drift.model names no folder: population drift is not measured, and there is no reference F1"],
};

export interface ReferenceOptions {
  /** Features that are not held against anything. */
  readonly ignore?: readonly Feature[];
  /** Micro F1, 0 to 1, in place of all that the card says: its types were scored on the same posts. */
  readonly f1?: number | undefined;
}

/** Reads card and profile of a model folder. Throws MANIFEST_MISSING, MANIFEST_BROKEN, PROFILE_BROKEN or CARD_BROKEN. */
export async function readReference(
  folder: string | undefined,
  { ignore = [], f1: given }: ReferenceOptions = {},
): Promise<ModelReference> {
  if (folder === undefined) return nothing;
  const { version } = await readManifest(folder);
  const [profile, f1] = [await readProfile(folder), given === undefined ? await cardF1(folder) : { all: given }];
  const notes: string[] = [];
  if (profile === undefined) notes.push("the model has no profile.json: population drift is not measured");
  else if (profile.calibration === undefined)
    notes.push("profile.json has no calibration: estimated F1 may be some points off");
  if (profile !== undefined && profile.train.typesByShape === undefined)
    notes.push("profile.json has no shapes of types: types of equal share that are swapped are not seen");
  if (f1 === undefined) notes.push("the model has no card.json with scores: there is no reference F1");
  const population = profile === undefined ? [] : referencesOf(profile);
  return {
    version,
    f1: f1 ?? {},
    population: population.filter(({ feature }) => !ignore.includes(feature)),
    calibration: profile?.calibration ?? uncalibrated,
    notes,
  };
}

function parseCard(file: string, text: string): z.output<typeof card> {
  try {
    return card.parse(JSON.parse(text));
  } catch (cause) {
    const [issue] = cause instanceof z.ZodError ? cause.issues : [];
    const why = issue === undefined ? (cause as Error).message : `${issue.path.join(".") || "it"}: ${issue.message}`;
    throw new Fault("CARD_BROKEN", { file, why }, { cause });
  }
}

/** int8 is what a CPU serves where there is one. */
async function cardF1(folder: string): Promise<Record<string, number> | undefined> {
  const file = join(folder, "card.json");
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { int8, fp32 } = parseCard(file, text).scores;
  const served = int8 ?? fp32;
  if (served === undefined) return undefined;
  const types = Object.entries(served.types).map(([type, { f1 }]) => [typeName(type), f1 / 100] as const);
  return { all: served.f1 / 100, ...Object.fromEntries(types) };
}
