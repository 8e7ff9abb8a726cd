import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { readCorpus } from "../../src/conll/index.ts";
import { at } from "./model.ts";

const data = `${process.env.STARLING_DATA ?? at("../shared/data/mner")}/twitter2017/valid.txt`;

export interface BenchPosts {
  /** Where they come from. */
  readonly of: string;
  readonly texts: readonly string[];
}

/** `count` texts of tweets: Twitter-2017 valid where it is at hand, else the sample posts over and over. */
export async function benchPosts(count: number): Promise<BenchPosts> {
  const known = existsSync(data);
  const texts = known ? await tweets() : await samples();
  return {
    of: known ? "Twitter-2017 valid" : "the sample posts, repeated",
    texts: Array.from({ length: count }, (_, i) => texts[i % texts.length]!),
  };
}

const tweets = async (): Promise<string[]> =>
  (await readCorpus({ path: data })).samples.map(({ words }) => words.join(" "));

async function samples(): Promise<string[]> {
  const lines = (await readFile(at("examples/posts.ndjson"), "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => (JSON.parse(line) as { text: string }).text);
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
