import { eachLine, fingerprint, goldOf, postOf, readCorpus, readText, type Sample } from "../conll/index.ts";
import { Fault } from "../errors.ts";
import type { Mention } from "../facts.ts";
import { dataPost } from "../schema/data-post.ts";
import type { Post } from "../schema/post.ts";
import type { DataSection } from "./config.ts";

/** A post with what a person marked in it, in UTF-16 units of its text. */
export interface Labelled {
  readonly post: Post;
  /** Stray `I-` tags open a mention, as in seqeval's default mode. */
  readonly gold: readonly Mention[];
  /** Stray `I-` tags are left out, as in seqeval's strict mode. */
  readonly goldStrict: readonly Mention[];
  readonly captions: readonly string[];
  readonly knowledge: string;
}

/** Data to score on, or to hold it against. */
export interface LabelledSet {
  readonly file: string;
  readonly posts: readonly Labelled[];
  readonly fingerprint: string;
  /** Stray `I-` tags. */
  readonly strays: number;
  /** Posts without the knowledge or captions for which a file was given. */
  readonly without: { readonly knowledge: number; readonly captions: number };
}

/** Reads a data set. Throws DATA_UNREADABLE, DATA_MALFORMED or DATA_EMPTY. */
export async function readSet({ path, format, knowledge, captions }: DataSection): Promise<LabelledSet> {
  if ((format ?? formatOf(path)) === "posts") return readPosts(path);
  const corpus = await readCorpus({ path, knowledge, captions });
  return {
    file: path,
    posts: corpus.samples.map(labelledOf),
    fingerprint: fingerprint(corpus.samples),
    strays: corpus.strays,
    without: corpus.without,
  };
}

const formatOf = (path: string): "posts" | "conll" => (/\.(?:ndjson|jsonl)$/i.test(path) ? "posts" : "conll");

/** A CoNLL sample as a post with its word bounds; gold in characters. */
export function labelledOf(sample: Sample): Labelled {
  const { labels = [], ...post } = postOf(sample);
  const words = post.words ?? [];
  const goldStrict = goldOf(sample, "strict").map(({ start, end, type }) => ({
    start: words[start]!.start,
    end: words[end - 1]!.end,
    type,
  }));
  return { post, gold: labels, goldStrict, captions: sample.captions, knowledge: sample.knowledge };
}

async function readPosts(file: string): Promise<LabelledSet> {
  const posts: Labelled[] = [];
  eachLine(await readText(file), (line, number) => {
    if (line.trim() !== "") posts.push(labelledPost(line, file, number));
  });
  if (posts.every(({ gold }) => gold.length === 0))
    throw new Fault("DATA_EMPTY", { file, expected: "posts with labels" });
  const tagged = posts.map(({ post, gold }) => ({
    words: [post.text],
    tags: gold.map((m) => JSON.stringify(m)).sort(),
  }));
  return { file, posts, fingerprint: fingerprint(tagged), strays: 0, without: { knowledge: 0, captions: 0 } };
}

function labelledPost(line: string, file: string, number: number): Labelled {
  const { labels = [], ...post } = dataPost(line, file, number);
  return { post, gold: labels, goldStrict: labels, captions: [], knowledge: "" };
}
