import type { Bank, Host, Tagger } from "starling-ner";
import { rowsOf } from "./exact.ts";
import { encode, type Features, makeFeatures } from "./features.ts";
import { featuresFile, loadFeatures, saveFeatures } from "./store.ts";

/** Demonstrations encoded anew to see whether stored features still hold. */
const PROBES = 3;
/** int8 and fp32 of one model agree to 0.99 and better; vectors of another make do not. */
const AGREES = 0.98;

export interface FeatureOptions {
  readonly bank: Bank;
  readonly tagger: Tagger;
  readonly host: Pick<Host, "log" | "warn">;
  /** Folder of the features; that of the bank's file without it. */
  readonly cache?: string | undefined;
}

/** The bank's features and the file where they are kept, or would be. */
export interface KeptFeatures {
  readonly features: Features;
  readonly file: string;
}

/**
 * Stored features where they are of this bank and this model; otherwise they are made, and stored for the next time.
 * A folder that cannot be written costs that next time, nothing more.
 */
export async function openFeatures({ bank, tagger, host, cache }: FeatureOptions): Promise<KeptFeatures> {
  const model = tagger.model.version;
  const file = featuresFile(bank.file, model, cache);
  const stored = await loadFeatures(file, { bank: bank.fingerprint, model });
  if (stored && (await stillHold(stored, bank, tagger))) {
    host.log("features of the bank read", { file, model, demonstrations: bank.demonstrations.length });
    return { features: stored, file };
  }
  const started = performance.now();
  const features = await makeFeatures(bank, tagger);
  const seconds = Math.round(performance.now() - started) / 1000;
  host.log("features of the bank made", { model, demonstrations: bank.demonstrations.length, seconds });
  await keep(file, features, host);
  return { features, file };
}

/** What a version does not tell, of whatever fills `tagger@1`, shows in the vectors. */
async function stillHold({ tables }: Features, bank: Bank, tagger: Tagger): Promise<boolean> {
  const { demonstrations } = bank;
  if (rowsOf(tables.text) !== demonstrations.length) return false;
  const rows = [...new Set(Array.from({ length: PROBES }, (_, i) => Math.floor((i * demonstrations.length) / PROBES)))];
  const fresh = await encode(
    rows.map((row) => demonstrations[row]!),
    tagger,
    "text+captions",
  );
  const { vectors, width } = tables["text+captions"];
  if (fresh.width !== width) return false;
  return rows.every((row, i) => {
    let cosine = 0;
    for (let at = 0; at < width; at++) cosine += vectors[row * width + at]! * fresh.vectors[i * width + at]!;
    return cosine >= AGREES;
  });
}

async function keep(file: string, features: Features, host: Pick<Host, "log">): Promise<void> {
  try {
    await saveFeatures(file, features);
  } catch (error) {
    host.log("features of the bank are not kept", { file, reason: (error as Error).message });
  }
}
