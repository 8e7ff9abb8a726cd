import type { Mention, Tagging } from "../facts.ts";
import { sum, tallyOf } from "../score/index.ts";
import type { TrainPost } from "./posts.ts";
import { type Vocabulary, vocabularyOf } from "./vocabulary.ts";

/** Shares of values below each edge, and of the rest; `shares` has one entry more than `edges` and sums to 1. */
export interface Histogram {
  readonly edges: readonly number[];
  readonly shares: readonly number[];
}

/** What drift is measured against: shares and rates 0 to 1. */
export interface Population {
  readonly posts: number;
  readonly words: Histogram;
  readonly languages: Readonly<Record<string, number>>;
  readonly imageShare: number;
  /** Share of words that the training data lacks, lower-cased, without links and handles. */
  readonly unknownWordRate: number;
  /** Of all captions of a post together, and of its knowledge. */
  readonly captionCharacters: Histogram;
  readonly knowledgeCharacters: Histogram;
  readonly mentions: Histogram;
  readonly types: Readonly<Record<string, number>>;
  /** Types with the shape of the mention, see `shapeOf`; profiles that were written before it lack it. */
  readonly typesByShape?: Readonly<Record<string, number>>;
  /** Of predicted mentions; absent where people marked them. */
  readonly confidence?: Histogram;
}

export interface Profile {
  readonly schema: "starling.profile/1";
  /** Training posts, with the mentions people marked. */
  readonly train: Population;
  /** Held-out posts, with the mentions the model finds. */
  readonly valid: Population;
  readonly vocabulary: ReturnType<Vocabulary["toJSON"]>;
  /**
   * How often what the model expects came true on held-out posts: right mentions, and all that people marked, over the
   * expected counts of them. It mends what one temperature cannot. Profiles that were written before it lack it.
   */
  readonly calibration?: Calibration;
}

/** Factors for expected counts; both 1 where they are right as they are. */
export interface Calibration {
  readonly correct: number;
  readonly gold: number;
}

const wordEdges = [1, 4, 8, 12, 16, 20, 24, 32, 48, 64, 128];
const characterEdges = [1, 50, 100, 200, 400, 600, 800, 1200, 2400];
const mentionEdges = [1, 2, 3, 4, 6, 9];
const confidenceEdges = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];

/** Reference profile of a model: its training data, and what it answers on held-out posts. */
export function profileOf(
  train: readonly TrainPost[],
  valid: readonly TrainPost[],
  tagged: readonly Pick<Tagging, "mentions" | "expected">[],
): Profile {
  const predicted = tagged.map(({ mentions }) => mentions);
  const vocabulary = vocabularyOf(train.flatMap(({ words }) => words));
  const confidence = histogram(
    predicted.flatMap((mentions) => mentions.map((mention) => mention.confidence)),
    confidenceEdges,
  );
  return {
    schema: "starling.profile/1",
    train: populationOf(
      train,
      train.map(({ gold }) => gold),
      vocabulary,
    ),
    valid: { ...populationOf(valid, predicted, vocabulary), confidence },
    vocabulary: vocabulary.toJSON(),
    calibration: calibrationOf(
      tagged,
      valid.map(({ gold }) => gold),
    ),
  };
}

/** Of posts with the mentions people marked in each. */
export function calibrationOf(
  tagged: readonly Pick<Tagging, "mentions" | "expected">[],
  gold: readonly (readonly Mention[])[],
): Calibration {
  const real = sum(tagged.map(({ mentions }, i) => tallyOf(mentions, gold[i]!)));
  const expected = { correct: 0, gold: 0 };
  for (const one of tagged) {
    expected.correct += one.expected.correct;
    expected.gold += one.expected.gold;
  }
  const over = (count: number, hoped: number) => (count > 0 && hoped > 0 ? count / hoped : 1);
  return { correct: over(real.correct, expected.correct), gold: over(real.gold, expected.gold) };
}

/** The population of posts with the mentions somebody, or a model, found in each. */
export function populationOf(
  posts: readonly TrainPost[],
  mentions: readonly (readonly Mention[])[],
  vocabulary: Vocabulary,
): Population {
  const words = posts.flatMap((post) => post.words.filter(vocabulary.counts));
  return {
    posts: posts.length,
    words: histogram(
      posts.map((post) => post.words.length),
      wordEdges,
    ),
    languages: shares(posts.map(({ language }) => language)),
    imageShare: posts.filter(({ images }) => images > 0).length / Math.max(1, posts.length),
    unknownWordRate: words.filter((word) => !vocabulary.has(word)).length / Math.max(1, words.length),
    captionCharacters: histogram(
      posts.map(({ captions }) => captions.join(" ").length),
      characterEdges,
    ),
    knowledgeCharacters: histogram(
      posts.map(({ knowledge }) => knowledge.length),
      characterEdges,
    ),
    mentions: histogram(
      mentions.map(({ length }) => length),
      mentionEdges,
    ),
    types: shares(mentions.flatMap((found) => found.map(({ type }) => type))),
    typesByShape: shares(mentions.flatMap((found, i) => found.map((mention) => shapeIn(posts[i]!, mention)))),
  };
}

/**
 * `PER 2`: a type and its number of words, three and more as one; `ORG 1 capitals`: one word that is all capitals. Types
 * of equal share differ in these.
 */
export const shapeOf = (type: string, words: number, capitals: boolean): string =>
  words === 1 ? `${type} 1${capitals ? " capitals" : ""}` : `${type} ${words > 2 ? "3+" : words}`;

const shapeIn = ({ words }: TrainPost, { type, start, end }: Mention) =>
  shapeOf(type, end - start, isCapitals(words.slice(start, end).join("")));

/** Two capital letters and no small one. */
export const isCapitals = (surface: string) => /\p{Lu}.*\p{Lu}/u.test(surface) && !/\p{Ll}/u.test(surface);

export function histogram(values: readonly number[], edges: readonly number[]): Histogram {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of values) {
    const above = edges.findIndex((edge) => value < edge);
    counts[above < 0 ? edges.length : above]!++;
  }
  return { edges, shares: counts.map((count) => count / Math.max(1, values.length)) };
}

function shares(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort().map(([name, count]) => [name, count / names.length]));
}
