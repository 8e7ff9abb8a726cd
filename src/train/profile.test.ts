import { expect, test } from "vitest";
import { madePosts } from "../../test/fixtures/hashed-tagger/posts.ts";
import { histogram, profileOf } from "./profile.ts";
import { readVocabulary, vocabularyOf } from "./vocabulary.ts";

test("a histogram puts a value on an edge above it, and its shares sum to 1", () => {
  expect(histogram([0, 1, 1, 5, 9], [1, 5])).toEqual({ edges: [1, 5], shares: [0.2, 0.4, 0.4] });
  expect(histogram([], [1]).shares).toEqual([0, 0]);
});

test("the profile counts train as people marked it and valid as the model answers", () => {
  const train = madePosts(8);
  const valid = [
    { ...madePosts(1)[0]!, words: ["Ada", "met", "Zanzibar", "http://x.y", "@zed"], language: "de", images: 0 },
  ];
  const predicted = [[{ start: 0, end: 1, type: "PER", confidence: 0.97 }]];
  const profile = profileOf(train, valid, [{ mentions: predicted[0]!, expected: { correct: 0.5, gold: 4 } }]);
  expect(profile.calibration).toEqual({ correct: 2, gold: 0.25 * valid[0]!.gold.length });
  expect(profile.valid.typesByShape).toEqual({ "PER 1": 1 });
  expect(profile.train).toMatchObject({ posts: 8, types: { LOC: 0.5, PER: 0.5 }, imageShare: 0.5, unknownWordRate: 0 });
  expect(profile.train.confidence).toBeUndefined();
  expect(profile.valid).toMatchObject({ posts: 1, types: { PER: 1 }, languages: { de: 1 }, imageShare: 0 });
  // "Zanzibar" of three counted words: links and handles say nothing.
  expect(profile.valid.unknownWordRate).toBeCloseTo(1 / 3, 9);
  expect(profile.valid.confidence!.shares[profile.valid.confidence!.edges.indexOf(0.99)]).toBe(1);
});

test("the vocabulary knows all its words after a round trip, and few others", () => {
  const words = Array.from({ length: 5000 }, (_, i) => `Word${i.toString(36)}x`);
  const vocabulary = readVocabulary(JSON.parse(JSON.stringify(vocabularyOf(words).toJSON())));
  expect(words.every((word) => vocabulary.has(word.toUpperCase()))).toBe(true);
  const strangers = Array.from({ length: 5000 }, (_, i) => `other-${i}-word`);
  const mistaken = strangers.filter((word) => vocabulary.has(word)).length / strangers.length;
  expect(mistaken).toBeLessThan(0.02);
});
