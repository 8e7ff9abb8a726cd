import { type Bank, type Context, type Demonstration, Fault, type Tagger, tagInput } from "starling-ner";
import type { Table } from "./exact.ts";

/** Of what the vectors of a table are: of texts alone, or of texts with the captions of those that have one. */
export type Of = Extract<Context, "text" | "text+captions">;

/** A bank's features under one model. A post is held against the table that is of what its own feature is of. */
export interface Features {
  /** `ModelInfo.version` of the tagger that made them. */
  readonly model: string;
  /** `Bank.fingerprint` of the demonstrations; row i is that of demonstration i. */
  readonly bank: string;
  readonly tables: Readonly<Record<Of, Table>>;
}

/** Demonstrations handed to the tagger at a time. */
const CHUNK = 256;

/**
 * Encodes the bank as `draft` encodes posts: the same input, the same call. Throws what the tagger fails with, and
 * NOT_A_NUMBER where a vector is not finite.
 */
export async function makeFeatures(bank: Bank, tagger: Tagger): Promise<Features> {
  const { demonstrations, fingerprint } = bank;
  const text = await encode(demonstrations, tagger, "text");
  const captioned = demonstrations.some(({ caption }) => caption !== undefined);
  const fused = captioned ? await encode(demonstrations, tagger, "text+captions") : text;
  return { model: tagger.model.version, bank: fingerprint, tables: { text, "text+captions": fused } };
}

/** The vectors of some demonstrations, in their order. */
export async function encode(demonstrations: readonly Demonstration[], tagger: Tagger, of: Of): Promise<Table> {
  const vectors: Float32Array[] = [];
  for (let from = 0; from < demonstrations.length; from += CHUNK) {
    const some = demonstrations.slice(from, from + CHUNK);
    const outcomes = await tagger.tag(
      some.map((one) => inputOf(one, of)),
      new AbortController().signal,
    );
    outcomes.forEach((outcome, i) => {
      if (outcome.kind === "fail") throw outcome.error;
      if (outcome.kind === "pass") throw new Error(`the tagger passed demonstration ${some[i]!.id}: ${outcome.reason}`);
      vectors.push(finite(outcome.value.feature.vector, some[i]!.id));
    });
  }
  return tableOf(vectors);
}

/** What the tagger reads of a demonstration. */
function inputOf({ id, text, caption }: Demonstration, of: Of) {
  const captions = of === "text" || caption === undefined ? [] : [{ image: 0, text: caption, source: "bank" }];
  return tagInput({ post: { id, text }, facts: { captions } });
}

function finite(vector: Float32Array, id: string): Float32Array {
  if (vector.every(Number.isFinite)) return vector;
  throw new Fault("NOT_A_NUMBER", { what: "the feature", where: `demonstration ${id}` });
}

function tableOf(rows: readonly Float32Array[]): Table {
  const width = rows[0]?.length ?? 0;
  const vectors = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    vectors.set(row, i * width);
  });
  return { vectors, width };
}
