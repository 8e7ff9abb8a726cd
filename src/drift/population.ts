import { type Histogram, type Profile, shapeOf } from "../train/profile.ts";
import type { Observation } from "./observation.ts";

/** One thing about a stream of posts that may drift, as shares of named buckets. */
export interface Reference {
  readonly feature: Feature;
  readonly buckets: readonly string[];
  readonly shares: readonly number[];
  /** How many posts, mentions or words the shares were counted over. */
  readonly counted: number;
}

export const features = [
  "types",
  "types_by_shape",
  "mentions",
  "confidence",
  "words",
  "unknown_words",
  "language",
  "images",
  "caption_characters",
  "knowledge_characters",
] as const;
export type Feature = (typeof features)[number];

/**
 * What live posts are held against. What is read of a post, and its entities, is taken from the training data, of which
 * there is most; confidence and unknown words from the held-out posts: a model is surer of what it has learnt, and
 * knows all of its words. A feature that the profile says nothing of is left out: languages that nobody named, pictures
 * where there were none, and what older profiles lack.
 */
export function referencesOf({ train, valid }: Profile): Reference[] {
  const mentions = Math.round(train.posts * meanOf(train.mentions));
  const found: (Reference | undefined)[] = [
    named("types", train.types, mentions),
    train.typesByShape && named("types_by_shape", train.typesByShape, mentions),
    numbers("mentions", train.mentions, train.posts),
    valid.confidence && numbers("confidence", valid.confidence, Math.round(valid.posts * meanOf(valid.mentions))),
    numbers("words", train.words, train.posts),
    twofold("unknown_words", valid.unknownWordRate, Math.round(valid.posts * meanOf(valid.words))),
    named("language", without(train.languages, "und"), train.posts),
    twofold("images", train.imageShare, train.posts),
    numbers("caption_characters", train.captionCharacters, train.posts),
    numbers("knowledge_characters", train.knowledgeCharacters, train.posts),
  ];
  return found.filter((one) => one !== undefined);
}

const named = (feature: Feature, shares: Readonly<Record<string, number>>, counted: number): Reference | undefined => {
  const buckets = Object.keys(shares).sort();
  if (buckets.length === 0) return undefined;
  return { feature, buckets: [...buckets, OTHER], shares: [...buckets.map((name) => shares[name]!), 0], counted };
};

/** What no bucket of the reference stands for. */
const OTHER = "other";

const without = (shares: Readonly<Record<string, number>>, name: string): Record<string, number> =>
  Object.fromEntries(Object.entries(shares).filter(([one]) => one !== name));

const numbers = (feature: Feature, { edges, shares }: Histogram, counted: number): Reference => ({
  feature,
  buckets: edges.map((edge) => `< ${edge}`).concat(`>= ${edges.at(-1)}`),
  shares,
  counted,
});

const twofold = (feature: Feature, share: number, counted: number): Reference | undefined =>
  share > 0 ? { feature, buckets: ["yes", "no"], shares: [share, 1 - share], counted } : undefined;

/** Roughly, from the lower edges of the buckets: it only tells how many were counted. */
const meanOf = ({ edges, shares }: Histogram): number =>
  shares.reduce((sum, share, i) => sum + share * (i === 0 ? 0 : edges[i - 1]!), 0);

/** What is counted of an event. */
export type Counted = Pick<Observation, "entities" | "input" | "captionCharacters">;

/** Adds to `counts`, one for each bucket of the reference, what one event says. */
export type Counter = (event: Counted, counts: number[]) => void;

export function counterOf({ feature, buckets }: Reference): Counter {
  const place = placing(buckets);
  const one = (counts: number[], at: number, by = 1) => {
    counts[at] = (counts[at] ?? 0) + by;
  };
  const all = (counts: number[], places: readonly number[]) => {
    for (const at of places) one(counts, at);
  };
  /** What is read of a post, where the event tells it. */
  const read =
    (placeOf: (input: NonNullable<Observation["input"]>, event: Counted) => number): Counter =>
    (event, counts) => {
      if (event.input !== undefined) one(counts, placeOf(event.input, event));
    };
  const counters: Readonly<Record<Feature, Counter>> = {
    types: ({ entities }, counts) =>
      all(
        counts,
        entities.map(({ type }) => place.name(type)),
      ),
    types_by_shape: ({ entities }, counts) =>
      all(
        counts,
        entities.map(({ type, words, capitals }) => place.name(shapeOf(type, words, capitals))),
      ),
    mentions: ({ entities }, counts) => one(counts, place.number(entities.length)),
    confidence: ({ entities }, counts) =>
      all(
        counts,
        entities.map(({ confidence }) => place.number(confidence)),
      ),
    words: read(({ words }) => place.number(words)),
    unknown_words({ input }, counts) {
      if (input?.novelty === undefined) return;
      one(counts, 0, input.novelty.unknown);
      one(counts, 1, input.novelty.words - input.novelty.unknown);
    },
    language({ input }, counts) {
      if (input !== undefined && input.language !== "und") one(counts, place.name(input.language));
    },
    images: read(({ images }) => (images > 0 ? 0 : 1)),
    caption_characters: read((_, { captionCharacters }) => place.number(captionCharacters)),
    knowledge_characters: read(({ knowledgeCharacters }) => place.number(knowledgeCharacters)),
  };
  return counters[feature];
}

/** Where a value belongs: a name, or a number below the first edge that is above it. */
function placing(buckets: readonly string[]) {
  const places = new Map(buckets.map((bucket, i) => [bucket, i]));
  const edges = buckets.filter((bucket) => bucket.startsWith("< ")).map((bucket) => Number(bucket.slice(2)));
  return {
    name: (name: string) => places.get(name) ?? buckets.length - 1,
    number(value: number) {
      const above = edges.findIndex((edge) => value < edge);
      return above < 0 ? edges.length : above;
    },
  };
}
