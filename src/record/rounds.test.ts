import { expect, test } from "vitest";
import type { Post } from "../schema/post.ts";
import { inRounds } from "./rounds.ts";

const posts = ["1", "2", "3"].map((id) => ({ post: { id, text: id } as Post, captions: [] }));

/** One batch for each post; a round writes those whose batch has ended. `stopIn` aborts while that batch is fetched. */
function setUp(stopIn: number, known = 0) {
  const stop = new AbortController();
  const told: string[] = [];
  const written = new Set<string>();
  let ended = known;
  let closed = false;
  const questions = {
    get waiting() {
      return written.size < posts.length;
    },
    get arrivals() {
      return ended;
    },
    close: () => {
      closed = true;
    },
    async answer(signal: AbortSignal) {
      if (ended + 1 === stopIn) stop.abort();
      else if (signal.aborted) throw signal.reason;
      ended++;
      told.push(`batch ${ended}`);
    },
  };
  const once = async (rest: readonly { post: Post }[], signal: AbortSignal) => {
    if (signal.aborted) return "stopped";
    for (const { post } of rest.slice(0, ended - written.size)) written.add(post.id);
    told.push(`${written.size} written${closed ? " at the end" : ""}`);
    return `${written.size} written`;
  };
  const output = { has: ({ id }: Pick<Post, "id">) => written.has(id) };
  const run = () => inRounds(once, { posts, output, questions, signal: stop.signal, say: (line) => told.push(line) });
  return { run, told, stop, written };
}

test("what a batch brought is written before the next one is waited for", async () => {
  const { run, told } = setUp(0);
  expect(await run()).toBe("3 written");
  expect(told).toEqual(["0 written", "batch 1", "1 written", "batch 2", "2 written", "batch 3", "3 written"]);
});

test("a stop that comes while answers come leaves none of them unwritten", async () => {
  const { run, told } = setUp(2);
  expect(await run()).toBe("2 written");
  expect(told.slice(3)).toEqual(["batch 2", expect.stringContaining("writing down"), "2 written at the end"]);
});

test("one that comes while nothing has, ends at once; one before the first round writes what an earlier run was told", async () => {
  const { run, told, stop } = setUp(0);
  stop.abort();
  expect([await run(), told]).toEqual(["stopped", []]);
  const other = setUp(0, 1);
  other.stop.abort();
  expect(await other.run()).toBe("1 written");
  expect(other.told).toEqual([expect.stringContaining("writing down"), "1 written at the end"]);
});
