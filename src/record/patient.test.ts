import { beforeEach, expect, test, vi } from "vitest";
import type { Post } from "../schema/post.ts";
import type { CorpusPost } from "./corpus.ts";
import { createMeter } from "./meter.ts";
import { inPeace, type Round } from "./patient.ts";

const posts = ["1", "2", "3"].map((id) => ({ post: { id, text: id } as Post, captions: [] }));
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  return () => vi.useRealTimers();
});

/** Each round answers `answered` posts, refuses the first of them all, and the server wants peace for `peaceMs` after it. */
async function run({ answered, peaceMs }: { answered: number; peaceMs: number }, stopAfterMs?: number) {
  const meter = createMeter();
  const stop = new AbortController();
  const sizes: number[] = [];
  const said: string[] = [];
  const once = async (given: readonly CorpusPost[]): Promise<Round> => {
    sizes.push(given.length);
    const waiting = given.slice(sizes.length === 1 ? answered + 1 : answered);
    if (waiting.length > 0 && peaceMs > 0) meter.peace = { model: "test/m", until: performance.now() + peaceMs };
    const reasons: Record<string, number> = sizes.length === 1 ? { refused: 1 } : {};
    if (waiting.length > 0) reasons.waiting = waiting.length;
    const summary = { passed: { llm: reasons }, failed: {}, degraded: sizes.length === 1 ? 1 : 0 };
    return { summary: summary as unknown as Round["summary"], waiting };
  };
  const from = performance.now();
  if (stopAfterMs !== undefined) setTimeout(() => stop.abort(), stopAfterMs);
  let over = false;
  const end = inPeace(once, posts, { meter, say: (line) => said.push(line), signal: stop.signal }).finally(() => {
    over = true;
  });
  while (!over) await vi.advanceTimersByTimeAsync(1000);
  const { passed, degraded, postponed } = await end;
  return { passed, degraded, postponed, sizes, said, tookMs: performance.now() - from };
}

test("posts that wait are run again once the peace is over; what was refused before stays counted, and is not asked again", async () => {
  const { passed, degraded, postponed, sizes, said, tookMs } = await run({ answered: 1, peaceMs: 400_000 });
  expect([sizes, postponed]).toEqual([[3, 1], undefined]);
  expect([passed, degraded]).toEqual([{ llm: { refused: 1 } }, 1]);
  expect(said).toEqual([
    expect.stringMatching(/^test\/m wants no request for 400 s, until .*: waiting, with 1 post to/),
  ]);
  expect(tookMs).toBeGreaterThanOrEqual(400_000);
});

test("more than ten minutes are not waited, in one piece or without an answer in between", async () => {
  const once = await run({ answered: 0, peaceMs: 700_000 });
  expect([once.sizes, once.postponed, once.passed]).toEqual([[3], 2, { llm: { refused: 1, waiting: 2 } }]);
  expect(once.said).toEqual([expect.stringContaining("2 posts wait for another start")]);
  const again = await run({ answered: 0, peaceMs: 250_000 });
  expect([again.sizes, again.postponed]).toEqual([[3, 2, 2], 2]);
});

test("a round that brought nothing, though nobody wanted peace, is the last one", async () => {
  const { sizes, postponed } = await run({ answered: 0, peaceMs: 0 });
  expect([sizes, postponed]).toEqual([[3, 2], 2]);
});

test("a stop ends the wait", async () => {
  const { sizes, postponed, tookMs } = await run({ answered: 0, peaceMs: 500_000 }, 5000);
  expect([sizes, postponed]).toEqual([[3], undefined]);
  expect(tookMs).toBeLessThan(10_000);
});
