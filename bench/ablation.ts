/**
 * What the retriever's choices are worth, on the valid sets: how well the entity types of the demonstrations it picks
 * agree with the gold types of the post. `found` is the share of a post's gold types that its neighbours have, over the
 * posts that have entities; `f1` sets the types of the neighbours against the gold types, over all posts, so that
 * many neighbours that have every type gain nothing. Chance picks as many at random. Banks: PGIM's published samples of the
 * same set, and banks/default.ndjson. `ratio` is f1 over that of chance, N = 5, mean pooling, text and captions, mean of
 * sets and banks.
 */
import type { Demonstration } from "starling-ner";
import { exactIndex } from "../plugins/retriever-msea/exact.ts";
import type { Of } from "../plugins/retriever-msea/features.ts";
import { readBank, readPgim } from "../src/bank/index.ts";
import type { Tagger } from "../src/tagger.ts";
import {
  data,
  defaultBank,
  demonstrationOf,
  hasData,
  pgimFiles,
  rowOf,
  samplesOf,
  tableOf,
  withTagger,
  years,
} from "./support/tweets.ts";

const NS = [0, 1, 3, 5, 10] as const;
const DRAWS = 20;

interface Row {
  readonly set: string;
  readonly bank: string;
  /** How neighbours are picked. */
  readonly by: string;
  /** For each N, percent. */
  readonly scores: readonly Score[];
}
interface Score {
  readonly found: number;
  readonly f1: number;
}

interface Task {
  readonly set: string;
  readonly bank: string;
  readonly posts: readonly Demonstration[];
  readonly demonstrations: readonly Demonstration[];
}

export default async function ablation({ scale }: { readonly scale: number }): Promise<Record<string, unknown>> {
  if (!hasData()) {
    console.log(`skipped: no data in ${data}; STARLING_DATA names the folder of twitter2015/ and twitter2017/`);
    return { bench: "ablation", ratio: null, skipped: "no data" };
  }
  const tasks = await tasksOf(scale);
  const rows = tasks.map(byChance);
  for (const [pooling, of] of [
    ["mean", "text+captions"],
    ["cls", "text+captions"],
    ["mean", "text"],
  ] as const)
    rows.push(...(await withTagger(pooling, (tagger) => byFeature(tasks, tagger, { pooling, of }))));
  rows.sort((a, b) => `${a.set} ${a.bank}`.localeCompare(`${b.set} ${b.bank}`));
  print(rows);
  return { bench: "ablation", ratio: ratioOf(rows), ns: NS, rows };
}

async function tasksOf(scale: number): Promise<Task[]> {
  const own = (await readBank(defaultBank)).demonstrations;
  const each = years.map(async (year) => {
    const samples = await samplesOf(year, "valid");
    const posts = samples.slice(0, Math.ceil(samples.length * scale)).map(demonstrationOf);
    const published = await readPgim(pgimFiles(year));
    return [
      { set: year, bank: `published, ${published.length}`, posts, demonstrations: published },
      { set: year, bank: `default, ${own.length}`, posts, demonstrations: own },
    ];
  });
  return (await Promise.all(each)).flat();
}

async function byFeature(tasks: readonly Task[], tagger: Tagger, choice: { pooling: string; of: Of }): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { set, bank, posts, demonstrations } of tasks) {
    const queries = await tableOf(posts, tagger, choice.of);
    const index = exactIndex(await tableOf(demonstrations, tagger, choice.of));
    const nearest = posts.map((_, i) => index.search(rowOf(queries, i), 10).map(({ row }) => row));
    const scores = NS.map((n) => score(posts, demonstrations, (i) => nearest[i]!.slice(0, n)));
    rows.push({ set, bank, by: `${choice.pooling}, ${choice.of}`, scores });
  }
  return rows;
}

function byChance({ set, bank, posts, demonstrations }: Task): Row {
  const random = randomFrom(1);
  const pick = (n: number) => {
    const picked = new Set<number>();
    while (picked.size < n) picked.add(Math.floor(random() * demonstrations.length));
    return [...picked];
  };
  const scores = NS.map((n) => mean(Array.from({ length: DRAWS }, () => score(posts, demonstrations, () => pick(n)))));
  return { set, bank, by: "chance", scores };
}

function score(
  posts: readonly Demonstration[],
  demonstrations: readonly Demonstration[],
  pick: (post: number) => readonly number[],
): Score {
  const total = { hit: 0, picked: 0, gold: 0, found: 0, withGold: 0 };
  posts.forEach((post, i) => {
    const gold = typesOf([post]);
    const picked = typesOf(pick(i).map((row) => demonstrations[row]!));
    const hit = [...gold].filter((type) => picked.has(type)).length;
    total.hit += hit;
    total.picked += picked.size;
    total.gold += gold.size;
    if (gold.size > 0) {
      total.withGold++;
      total.found += hit / gold.size;
    }
  });
  return { found: (100 * total.found) / total.withGold, f1: (200 * total.hit) / (total.picked + total.gold) };
}

/** Twitter-2015 says OTHER for what Twitter-2017 calls MISC. */
const typesOf = (some: readonly Demonstration[]): Set<string> =>
  new Set(some.flatMap(({ entities }) => entities.map(({ type }) => (type === "OTHER" ? "MISC" : type))));

const mean = (scores: readonly Score[]): Score => ({
  found: scores.reduce((sum, { found }) => sum + found, 0) / scores.length,
  f1: scores.reduce((sum, { f1 }) => sum + f1, 0) / scores.length,
});

/** The same numbers for the same seed, 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function ratioOf(rows: readonly Row[]): number {
  const at5 = NS.indexOf(5);
  const mean5 = (by: string) => mean(rows.filter((row) => row.by === by).map(({ scores }) => scores[at5]!)).f1;
  return mean5("mean, text+captions") / mean5("chance");
}

function print(rows: readonly Row[]): void {
  console.log(`| set | bank | neighbours by | ${NS.map((n) => `N = ${n}`).join(" | ")} |`);
  console.log(`|---|---|---|${NS.map(() => "---").join("|")}|`);
  for (const { set, bank, by, scores } of rows) {
    const cells = scores.map(({ found, f1 }) => `${found.toFixed(1)} / ${f1.toFixed(1)}`);
    console.log(`| ${set} | ${bank} | ${by} | ${cells.join(" | ")} |`);
  }
}
