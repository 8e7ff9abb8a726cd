/**
 * Words of live posts, measured on the valid sets with their spacing undone: the share of gold mention bounds that fall
 * on word bounds (`ratio`; 0.98 is wanted), microseconds a post, and, where a model of the set is in models/, how much
 * F1 falls against the gold words (1 point is allowed). `--twitter2015 FOLDER` and `--twitter2017 FOLDER` name models
 * of one set; models/default, trained on both, stands in for each, and is also measured on Twitter-2015 with the signs of
 * `#Name` and `@name` apart and no part of a mention, as it tags live posts. STARLING_DATA names the folder of the data.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { goldOf, readCorpus, type Sample, splitSigns } from "../src/conll/index.ts";
import { evaluate, type Labelled, type LabelledSet, labelledOf, report } from "../src/evaluate/index.ts";
import { modelConfig } from "../src/evaluate/model-plan.ts";
import { modelOf } from "../src/evaluate/run.ts";
import type { Mention } from "../src/facts.ts";
import { openParts } from "../src/open.ts";
import { planConfig } from "../src/plan.ts";
import { splitWords } from "../src/tokens/index.ts";
import { undoSpacing } from "../test/undo-spacing.ts";

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const data = process.env.STARLING_DATA ?? at("../shared/data/mner");
const sets = [
  { name: "twitter2015", set: "twitter2015", of: (sample: Sample) => sample },
  { name: "twitter2015, signs apart", set: "twitter2015", of: splitSigns },
  { name: "twitter2017", set: "twitter2017", of: (sample: Sample) => sample },
] as const;
const model = { type: "string", default: at("models/default") } as const;

interface Options {
  readonly scale: number;
  readonly args: readonly string[];
}

/** A sample as somebody would have posted it; gold in characters. */
function asPosted(sample: Sample): Labelled {
  const { text, words } = undoSpacing(sample.words);
  const inText = (mentions: readonly Mention[]) =>
    mentions.map(({ start, end, type }) => ({ start: words[start]!.start, end: words[end - 1]!.end, type }));
  const gold = inText(goldOf(sample));
  return {
    post: { id: sample.id, text },
    gold,
    goldStrict: inText(goldOf(sample, "strict")),
    captions: [],
    knowledge: "",
  };
}

function boundsOnWords(posts: readonly Labelled[]): { readonly bounds: number; readonly onWords: number } {
  let [bounds, onWords] = [0, 0];
  for (const { post, gold } of posts) {
    const words = splitWords(post.text);
    const [starts, ends] = [new Set(words.map((word) => word.start)), new Set(words.map((word) => word.end))];
    bounds += 2 * gold.length;
    for (const { start, end } of gold) onWords += Number(starts.has(start)) + Number(ends.has(end));
  }
  return { bounds, onWords };
}

/** Median over passes. */
function microseconds(posts: readonly Labelled[], passes = 21): number {
  const times = Array.from({ length: passes }, () => {
    const from = performance.now();
    for (const { post } of posts) splitWords(post.text);
    return ((performance.now() - from) * 1000) / posts.length;
  });
  return times.sort((a, b) => a - b)[passes >> 1]!;
}

/** F1 on gold words and on live words, 0 to 100; null where the model is not there. */
async function f1s(model: string, samples: readonly Sample[]): Promise<{ gold: number; live: number } | null> {
  if (!existsSync(model)) return null;
  const parts = await openParts(await planConfig(modelConfig({ folder: resolve(model) }), { toRun: false }));
  const f1 = async (posts: readonly Labelled[]): Promise<number> => {
    const set: LabelledSet = { file: model, posts, fingerprint: "", strays: 0, without: { knowledge: 0, captions: 0 } };
    const signal = new AbortController().signal;
    const { stages } = parts;
    return report(await evaluate(set, { stages, model: modelOf(parts), bootstrap: { rounds: 10 }, signal })).f1;
  };
  try {
    return { gold: await f1(samples.map(labelledOf)), live: await f1(samples.map(asPosted)) };
  } finally {
    await parts.close();
  }
}

export default async function words({ scale, args }: Options): Promise<Record<string, unknown>> {
  if (!existsSync(data)) {
    console.log(`skipped: no data in ${data}; STARLING_DATA names the folder of twitter2015/ and twitter2017/`);
    return { bench: "words", ratio: null, skipped: "no data" };
  }
  const perSet: Record<string, unknown> = {};
  const drops: Record<string, number | null> = {};
  const all = { bounds: 0, onWords: 0 };
  const { values: models } = parseArgs({ args: [...args], options: { twitter2015: model, twitter2017: model } });
  for (const { name, set, of } of sets) {
    const { samples } = await readCorpus({ path: `${data}/${set}/valid.txt` });
    const some = samples.slice(0, Math.ceil(samples.length * scale)).map(of);
    const posts = some.map(asPosted);
    const { bounds, onWords } = boundsOnWords(posts);
    const usPerPost = microseconds(posts);
    const scored = await f1s(models[set], some);
    all.bounds += bounds;
    all.onWords += onWords;
    perSet[name] = { posts: posts.length, bounds, ratio: onWords / bounds, usPerPost, f1: scored };
    drops[name] = scored && scored.gold - scored.live;
    const said = scored
      ? `F1 ${scored.gold.toFixed(2)} -> ${scored.live.toFixed(2)}`
      : `no ${models[set]}: F1 not measured`;
    console.log(
      `${name}: ${((100 * onWords) / bounds).toFixed(2)}% of ${bounds} bounds, ${usPerPost.toFixed(1)} us a post; ${said}`,
    );
  }
  return { bench: "words", ratio: all.onWords / all.bounds, wanted: 0.98, perSet, f1Drop: drops };
}
