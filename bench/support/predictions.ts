/**
 * What a model says of the train and valid posts of both data sets, as a service would write it: one event a post. Made
 * once for each model and kept in the folder for temporary files.
 */
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTagger } from "../../plugins/tagger-onnx/open-tagger.ts";
import { options } from "../../plugins/tagger-onnx/options.ts";
import { goldInputOf, postOf, readCorpus, type Sample } from "../../src/conll/index.ts";
import { toEvent } from "../../src/event.ts";
import { tagInput } from "../../src/input.ts";
import type { EntityEvent } from "../../src/schema/event.ts";
import { testHost } from "../../src/testing/host.ts";
import { at } from "./model.ts";

export interface Predicted {
  readonly event: EntityEvent;
  /** What people marked, in UTF-16 units. */
  readonly gold: readonly { readonly start: number; readonly end: number; readonly type: string }[];
}
export type SetName = "2015 train" | "2015 valid" | "2017 train" | "2017 valid";
export type Predictions = Readonly<Record<SetName, readonly Predicted[]>>;

export const data = process.env.STARLING_DATA ?? at("../shared/data/mner");
export const NO_DATA = `no ${data}; name the folder that holds twitter2015 and twitter2017 in STARLING_DATA`;
const sets: readonly SetName[] = ["2015 train", "2015 valid", "2017 train", "2017 valid"];
const labelMap = { OTHER: "MISC" } as const;

/** Undefined where the data is absent. */
export async function predictions(folder = at("models/default")): Promise<Predictions | undefined> {
  if (!existsSync(data)) return undefined;
  const { version } = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")) as { version: string };
  const kept = join(tmpdir(), `starling-predictions-2-${version}.json`);
  if (existsSync(kept)) return JSON.parse(await readFile(kept, "utf8")) as Predictions;
  const tagger = await openTagger(options.parse({ model: folder, processes: 1 }), testHost());
  try {
    const made: [SetName, Predicted[]][] = [];
    for (const set of sets) made.push([set, await predict(await samplesOf(set), tagger)]);
    const all = Object.fromEntries(made) as unknown as Predictions;
    await writeFile(`${kept}.new`, JSON.stringify(all));
    await rename(`${kept}.new`, kept);
    return all;
  } finally {
    await tagger.close();
  }
}

export async function samplesOf(set: SetName): Promise<readonly Sample[]> {
  const [year, part] = set.split(" ");
  const files = { path: `${data}/twitter${year}/${part}.txt`, captions: `${data}/twitter${year}/captions.blip2.txt` };
  return (await readCorpus(files)).samples;
}

/** Captions stand in the events; the model, which was trained without, does not read them. */
async function predict(samples: readonly Sample[], tagger: Awaited<ReturnType<typeof openTagger>>) {
  const posts = samples.map((sample) => ({
    ...postOf(sample),
    language: "en",
    images: sample.captions.map(() => ({ src: "image.jpg" })),
  }));
  const outcomes = await tagger.tag(
    posts.map((post) => tagInput({ post, facts: {} })),
    new AbortController().signal,
  );
  return outcomes.map((outcome, i): Predicted => {
    if (outcome.kind !== "ok") throw new Error(`post ${i} was not tagged`);
    const post = posts[i]!;
    const captions = samples[i]!.captions.map((text, image) => ({ image, text, source: "blip2" }));
    const facts = { tagging: outcome.value.tagging, captions };
    const origin = { lane: "data", offset: String(i), bytes: () => new Uint8Array() };
    const enriched = { post, origin, facts, passed: [], degraded: [], timings: { totalMs: 0, stages: {} } };
    const event = toEvent(enriched, { revision: 0, final: true, pipeline: "bench" });
    const { gold } = goldInputOf(samples[i]!, labelMap);
    const words = post.words!;
    return {
      event,
      gold: gold.map((m) => ({ start: words[m.start]!.start, end: words[m.end - 1]!.end, type: m.type })),
    };
  });
}
