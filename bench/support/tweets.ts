/** The tweets of shared data as demonstrations, and their features: what the benches of the retriever measure on. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Demonstration } from "starling-ner";
import type { Table } from "../../plugins/retriever-msea/exact.ts";
import { encode, type Of } from "../../plugins/retriever-msea/features.ts";
import { goldOf, readCorpus, type Sample } from "../../src/conll/index.ts";
import { modelConfig } from "../../src/evaluate/model-plan.ts";
import { openParts } from "../../src/open.ts";
import { planConfig } from "../../src/plan.ts";
import type { Tagger } from "../../src/tagger.ts";

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
/** STARLING_DATA names the folder of twitter2015/ and twitter2017/. */
export const data = process.env.STARLING_DATA ?? at("../shared/data/mner");
export const hasData = (): boolean => existsSync(data);
export const defaultBank = at("banks/default.ndjson");
export const years = ["2015", "2017"] as const;

export async function samplesOf(year: string, part: "train" | "valid"): Promise<readonly Sample[]> {
  const captions = `${data}/twitter${year}/captions.blip2.txt`;
  return (await readCorpus({ path: `${data}/twitter${year}/${part}.txt`, captions })).samples;
}

export const pgimFiles = (year: string) => ({
  answers: `${data}/twitter${year}/samples/${year}train.txt`,
  entities: `${data}/twitter${year}/samples/${year}train_GPT.txt`,
  posts: `${data}/twitter${year}/train.txt`,
  captions: `${data}/twitter${year}/captions.blip2.txt`,
});

/** A tweet with its gold entities; nobody has answered it. */
export function demonstrationOf(sample: Sample): Demonstration {
  const { id, words, captions } = sample;
  const caption = captions[0];
  const entities = goldOf(sample).map(({ start, end, type }) => ({ text: words.slice(start, end).join(" "), type }));
  return { id, text: words.join(" "), ...(caption !== undefined && { caption }), answer: "none", entities };
}

/** Lends models/default, with the pooling that is asked for. */
export async function withTagger<T>(pooling: "cls" | "mean" | undefined, use: (tagger: Tagger) => Promise<T>) {
  const made = modelConfig({ folder: at("models/default") });
  const { resources, stages } = made.value as { resources: { tagger: { options: object } }; stages: unknown };
  const { use: plugin, options } = resources.tagger as { use: string; options: object };
  const value = {
    resources: { tagger: { use: plugin, options: { ...options, ...(pooling && { pooling }) } } },
    stages,
  };
  const parts = await openParts(await planConfig({ ...made, value, shown: value }, { toRun: false }));
  try {
    return await use(parts.resources.get("tagger")!.value as Tagger);
  } finally {
    await parts.close();
  }
}

export const tableOf = (some: readonly Demonstration[], tagger: Tagger, of: Of = "text+captions"): Promise<Table> =>
  encode(some, tagger, of);

export const rowOf = ({ vectors, width }: Table, row: number): Float32Array =>
  vectors.subarray(row * width, (row + 1) * width);
