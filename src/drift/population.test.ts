import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { madePosts } from "../../test/fixtures/hashed-tagger/posts.ts";
import { mulberry32 } from "../score/index.ts";
import type { TrainPost } from "../train/posts.ts";
import { profileOf } from "../train/profile.ts";
import type { Counted } from "./population.ts";
import { referencesOf } from "./population.ts";
import { driftScores } from "./scores.ts";

const train = madePosts(4000);
const tagged = train
  .slice(0, 500)
  .map(({ gold }) => ({ mentions: gold.map((m) => ({ ...m, confidence: 0.9 })), expected: { correct: 1, gold: 1 } }));
const profile = profileOf(train, train.slice(0, 500), tagged);
const references = referencesOf(profile);

/** As drift sees a post whose entities were all found. */
function seen({ words, gold, captions, knowledge, images }: TrainPost, language = "en"): Counted {
  return {
    entities: gold.map(({ start, end, type }) => ({
      ...{ start, end, type, confidence: 0.9, words: end - start, capitals: false },
    })),
    input: {
      ...{ characters: words.join(" ").length, words: words.length, language, images },
      knowledgeCharacters: knowledge.length,
      novelty: { words: words.length, unknown: 0 },
    },
    captionCharacters: captions.join(" ").length,
  };
}

const random = mulberry32(3);
const live = Array.from({ length: 1000 }, () => train[Math.floor(random() * train.length)]!);
const drifted = (window: readonly Counted[], of = references) =>
  driftScores(window, of)
    .filter(({ score, threshold }) => score > threshold)
    .map(({ feature }) => feature);

describe("the newest posts", () => {
  test("of the reference's own population have not drifted in any feature", () => {
    const clean = live.map((post) => seen(post));
    expect(drifted(clean)).toEqual([]);
    expect(driftScores(clean, references).map(({ feature }) => feature)).toEqual([
      ...["types", "types_by_shape", "mentions", "confidence", "words", "language", "images"],
      ...["caption_characters", "knowledge_characters"],
    ]);
  });

  test.each<[string, (post: TrainPost) => Counted, string]>([
    ["captions that are gone", (post) => seen({ ...post, captions: [] }), "caption_characters"],
    ["knowledge that is gone", (post) => seen({ ...post, knowledge: "" }), "knowledge_characters"],
    ["pictures that are gone", (post) => seen({ ...post, images: 0 }), "images"],
    ["another language", (post) => seen(post, "pt"), "language"],
    ["longer posts", (post) => seen({ ...post, words: [...post.words, ...post.words] }), "words"],
    ["one type for all", (post) => seen({ ...post, gold: post.gold.map((m) => ({ ...m, type: "PER" })) }), "types"],
    ["a new type", (post) => seen({ ...post, gold: post.gold.map((m) => ({ ...m, type: "EVENT" })) }), "types"],
    ["entities that are not found", (post) => seen({ ...post, gold: post.gold.slice(1) }), "mentions"],
    [
      "less sure answers",
      (post) => ({ ...seen(post), entities: seen(post).entities.map((m) => ({ ...m, confidence: 0.4 })) }),
      "confidence",
    ],
    [
      "types of equal share, turned round, whose names differ in shape",
      (post) => ({
        ...seen(post),
        entities: seen(post).entities.map((m) => ({ ...m, words: m.type === "PER" ? 2 : 1 })),
      }),
      "types_by_shape",
    ],
  ])("with %s have drifted", (_, change, feature) => {
    expect(drifted(live.map(change))).toContain(feature);
  });

  test("of which too few tell of a feature say nothing of it", () => {
    const silent = live.map((post, i) => (i < 90 ? seen(post, "pt") : seen(post, "und")));
    expect(driftScores(silent, references).map(({ feature }) => feature)).not.toContain("language");
  });

  test("are held against a threshold of the config's where it gives one", () => {
    const [types] = driftScores(
      live.map((post) => seen(post)),
      references,
      { types: 0.25 },
    );
    expect(types!.threshold).toBe(0.25);
  });
});

describe("a profile", () => {
  test("of before shapes and calibration gives the rest of the references", () => {
    const old = JSON.parse(readFileSync(new URL("../../models/default/profile.json", import.meta.url), "utf8"));
    delete old.train.typesByShape;
    delete old.valid.typesByShape;
    const features = referencesOf(old).map(({ feature }) => feature);
    expect(features).toContain("types");
    expect(features).not.toContain("types_by_shape");
    expect(features).toContain("unknown_words");
  });

  test("of posts whose language nobody said, or without pictures, says nothing of them", () => {
    const bare = { ...profile, train: { ...profile.train, languages: { und: 1 }, imageShare: 0 } };
    const features = referencesOf(bare).map(({ feature }) => feature);
    expect(features).not.toContain("language");
    expect(features).not.toContain("images");
  });

  test("has shares that sum to 1, one for each bucket", () => {
    for (const { buckets, shares, counted } of references) {
      expect(shares).toHaveLength(buckets.length);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
      expect(counted).toBeGreaterThan(0);
    }
  });
});
