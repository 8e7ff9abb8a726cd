import fc from "fast-check";
import { expect, test } from "vitest";
import { madePosts } from "../../test/fixtures/hashed-tagger/posts.ts";
import { epochBatches } from "./batches.ts";
import { approximateSubwords, dropContexts } from "./posts.ts";
import { uniformAt } from "./random.ts";

test("every post stands in one batch, in as many batches as the plan counts", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(300), { maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat(50),
      (lengths, batch, chunk, epoch) => {
        const batches = epochBatches(lengths, { batch, chunk, seed: 1, epoch });
        expect(batches).toHaveLength(Math.ceil(lengths.length / batch));
        expect(batches.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
        for (const posts of batches) expect(posts.length).toBeLessThanOrEqual(batch);
      },
    ),
  );
});

test("length buckets leave a quarter of the padding or less, and epochs and seeds differ", () => {
  const lengths = Array.from({ length: 1600 }, (_, i) => 5 + Math.floor(uniformAt(1, "order", 9, i) ** 3 * 80));
  const padding = (batches: number[][]) =>
    batches.reduce((sum, batch) => {
      const longest = Math.max(...batch.map((i) => lengths[i]!));
      return sum + batch.reduce((pad, i) => pad + longest - lengths[i]!, 0);
    }, 0);
  const options = { batch: 16, chunk: 20, seed: 1, epoch: 0 };
  const plain = epochBatches(lengths, { ...options, chunk: 1 });
  expect(padding(epochBatches(lengths, options))).toBeLessThan(0.25 * padding(plain));
  expect(epochBatches(lengths, { ...options, epoch: 1 })).not.toEqual(epochBatches(lengths, options));
  expect(epochBatches(lengths, { ...options, seed: 2 })).not.toEqual(epochBatches(lengths, options));
});

test("random numbers of neighbouring places are uniform and do not follow each other", () => {
  const draws = Array.from({ length: 20_000 }, (_, i) => uniformAt(1, "captions", 0, i));
  const mean = draws.reduce((a, b) => a + b) / draws.length;
  expect(mean).toBeCloseTo(0.5, 1.9);
  const lag = draws.slice(1).reduce((sum, x, i) => sum + (x - 0.5) * (draws[i]! - 0.5), 0) / draws.length;
  expect(Math.abs(lag * 12)).toBeLessThan(0.03);
});

test("captions and knowledge are dropped independently, at their rates, anew each epoch", () => {
  const posts = madePosts(6000).map((post) => ({ ...post, captions: ["a"], knowledge: "z" }));
  const drop = (epoch: number) => dropContexts(posts, { dropCaptions: 0.5, dropKnowledge: 0.2 }, 7, epoch);
  const share = (dropped: typeof posts, test: (post: (typeof posts)[number]) => boolean) =>
    dropped.filter(test).length / posts.length;
  const first = drop(0) as typeof posts;
  expect(share(first, (p) => p.captions.length === 0)).toBeCloseTo(0.5, 1.5);
  expect(share(first, (p) => p.knowledge === "")).toBeCloseTo(0.2, 1.5);
  expect(share(first, (p) => p.captions.length === 0 && p.knowledge === "")).toBeCloseTo(0.1, 1.5);
  expect(drop(0)).toEqual(first);
  expect(drop(1)).not.toEqual(first);
  expect(posts.every((post) => post.knowledge === "z")).toBe(true);
});

test("a link counts as one sub-word", () => {
  const post = madePosts(1)[0]!;
  const bare = { ...post, words: ["http://t.co/Z3neVBQ7vF"], captions: [], knowledge: "" };
  expect(approximateSubwords(bare)).toBe(1);
  expect(approximateSubwords({ ...bare, words: ["internationalisation"] })).toBe(5);
});
