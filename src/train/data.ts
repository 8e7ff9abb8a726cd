import { resolve } from "node:path";
import {
  eachLine,
  fingerprint,
  goldOf,
  postOf,
  readCorpus,
  readText,
  type Sample,
  splitSigns,
} from "../conll/index.ts";
import { Fault } from "../errors.ts";
import type { Mention } from "../facts.ts";
import { dataPost } from "../schema/data-post.ts";
import type { Post } from "../schema/post.ts";
import { wordsOf } from "../tokens/index.ts";
import type { DataSet, TrainConfig } from "./config.ts";

/** A labelled post before any stage has seen it; captions and knowledge come from the files beside the data. */
export interface Labelled {
  readonly post: Post;
  readonly captions: readonly string[];
  /** Empty where there is none. */
  readonly knowledge: string;
  /** In words. */
  readonly gold: readonly Mention[];
  readonly language: string;
}

/** What the card says of a data set. */
export interface DataSummary {
  /** The last two parts of the path: enough to know the file, nothing of the machine. */
  readonly file: string;
  /** SHA-256 over words and tags, in any order of posts, before types are renamed. */
  readonly fingerprint: string;
  readonly posts: number;
  readonly mentions: number;
  /** I tags that continue no mention of their type. */
  readonly strays: number;
}

export interface LoadedSet {
  readonly posts: readonly Labelled[];
  readonly summary: DataSummary;
}

export interface LoadOptions extends Pick<TrainConfig, "labelMap" | "strays"> {
  /** Folder that paths start at. */
  readonly folder: string;
  /** Posts of each set, at most. */
  readonly limit?: number | undefined;
}

/** Reads one data set. Throws DATA_UNREADABLE, DATA_MALFORMED, DATA_EMPTY or TRAIN_DATA_UNFIT. */
export async function loadSet(set: DataSet, options: LoadOptions): Promise<LoadedSet> {
  const path = resolve(options.folder, set.path);
  const file = path.split(/[\\/]/).slice(-2).join("/");
  const { posts, samples, strays } =
    set.format === "conll" ? await conll(set, path, options) : await ndjson(set, path, options);
  const renamed = posts.map((labelled) => ({
    ...labelled,
    gold: labelled.gold.map((m) => rename(m, options.labelMap)),
  }));
  const mentions = posts.reduce((sum, { gold }) => sum + gold.length, 0);
  return {
    posts: renamed,
    summary: { file, fingerprint: fingerprint(samples), posts: posts.length, mentions, strays },
  };
}

const rename = (mention: Mention, map: Readonly<Record<string, string>>): Mention => ({
  ...mention,
  type: map[mention.type] ?? mention.type,
});

interface Read {
  readonly posts: readonly Labelled[];
  /** As the fingerprint reads them. */
  readonly samples: readonly Pick<Sample, "words" | "tags">[];
  readonly strays: number;
}

async function conll(set: DataSet, path: string, { folder, limit, strays }: LoadOptions): Promise<Read> {
  const beside = (name: string | undefined) => (name === undefined ? undefined : resolve(folder, name));
  const corpus = await readCorpus({ path, knowledge: beside(set.knowledge), captions: beside(set.captions) });
  const some = corpus.samples.slice(0, limit);
  const samples = set.signs === "apart" ? some.map(splitSigns) : some;
  const posts = samples.map((sample) => ({
    post: postOf(sample, strays),
    captions: sample.captions,
    knowledge: sample.knowledge,
    gold: goldOf(sample, strays),
    language: set.language,
  }));
  return { posts, samples, strays: corpus.strays };
}

async function ndjson(set: DataSet, path: string, { limit = Number.POSITIVE_INFINITY }: LoadOptions): Promise<Read> {
  const posts: Labelled[] = [];
  eachLine(await readText(path), (line, number) => {
    if (line.trim() === "" || posts.length >= limit) return;
    posts.push(labelled(dataPost(line, path, number), `${path}:${number}`, set.language));
  });
  if (posts.length === 0) throw new Fault("DATA_EMPTY", { file: path, expected: "labelled posts, one a line" });
  const samples = posts.map(({ post }) => sampleOf(post));
  return { posts, samples, strays: 0 };
}

function labelled(post: Post, where: string, language: string): Labelled {
  const unfit = (why: string) => new Fault("TRAIN_DATA_UNFIT", { data: where, why });
  if (post.labels === undefined) throw unfit('the post has no labels; write "labels": [] where it has no entity');
  const words = wordsOf(post);
  const gold = post.labels.map(({ start, end, type }) => {
    const first = words.findIndex((word) => word.end > start);
    const after = words.findIndex((word) => word.start >= end);
    const mention = { start: first, end: after < 0 ? words.length : after, type };
    if (first < 0 || mention.end <= first) throw unfit(`the label ${start}..${end} holds no word`);
    return mention;
  });
  const inOrder = gold.toSorted((a, b) => a.start - b.start);
  const clash = inOrder.find((mention, i) => i > 0 && mention.start < inOrder[i - 1]!.end);
  if (clash) throw unfit(`two labels share the word "${words[clash.start]!.text}"; keep one of them`);
  return { post, captions: [], knowledge: "", gold: inOrder, language: post.language ?? language };
}

/** What the fingerprint reads of a post that was not tokenised; `starling evaluate` prints the same. */
const sampleOf = ({ text, labels = [] }: Post) => ({
  words: [text],
  tags: labels.map((label) => JSON.stringify(label)).sort(),
});
