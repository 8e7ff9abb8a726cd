import { describe, expect, test } from "vitest";
import { type Outcome, ok } from "../outcome.ts";
import type { Delivery } from "../plugin.ts";
import type { Post } from "../schema/post.ts";
import { sequencer } from "./sequence.ts";
import { depart, type Transit } from "./transit.ts";

const delivery = (lane: string, offset: number, more: Partial<Delivery> & { key?: string; author?: string } = {}) => {
  const { key, author, ...rest } = more;
  const post: Outcome<Post> = ok({ id: `${offset}`, text: "a", ...(author && { author: { handle: author } }) });
  const origin = { lane, offset: `${offset}`, bytes: () => new Uint8Array(), ...(key && { key: Buffer.from(key) }) };
  return { post, origin, settle() {}, ...rest } satisfies Delivery;
};
const places = (posts: readonly Transit[]) =>
  posts.map(({ delivery: { origin } }) => `${origin.lane}:${origin.offset}`);

function started(order: Parameters<typeof sequencer>[0], deliveries: readonly Delivery[]) {
  const sequence = sequencer(order);
  deliveries.forEach(sequence.enter);
  const posts = deliveries.map((one) => depart(one, 0));
  const leave = (index: number) => places(sequence.leave(posts[index]!).out);
  return { sequence, posts, leave };
}

describe("order", () => {
  test("none lets posts go as they come", () => {
    const { leave } = started("none", [delivery("a", 0), delivery("a", 1)]);
    expect([leave(1), leave(0)]).toEqual([["a:1"], ["a:0"]]);
  });

  test("partition holds posts until those before them in their lane are done; other lanes do not wait", () => {
    const { leave } = started("partition", [delivery("a", 0), delivery("b", 0), delivery("a", 1), delivery("a", 2)]);
    expect([leave(2), leave(1), leave(3), leave(0)]).toEqual([[], ["b:0"], [], ["a:0", "a:1", "a:2"]]);
  });

  test("key holds posts of one key, or of one author where there is no key, and no others", () => {
    const { leave } = started("key", [
      delivery("a", 0, { key: "x" }),
      delivery("a", 1, { key: "y" }),
      delivery("a", 2, { key: "x" }),
      delivery("a", 3, { author: "ada" }),
      delivery("a", 4, { author: "ada" }),
      delivery("a", 5),
    ]);
    expect([leave(2), leave(1), leave(4), leave(5)]).toEqual([[], ["a:1"], [], ["a:5"]]);
    expect([leave(0), leave(3)]).toEqual([
      ["a:0", "a:2"],
      ["a:3", "a:4"],
    ]);
  });

  test("a post that is delivered again keeps its place", () => {
    const deliveries = [delivery("a", 0), delivery("a", 1)];
    const { sequence, leave } = started("partition", deliveries);
    expect(leave(1)).toEqual([]);
    sequence.enter(deliveries[0]!);
    expect(places(sequence.leave(depart(deliveries[0]!, 1)).out)).toEqual(["a:0", "a:1"]);
  });

  test("nobody waits for posts that are no longer ours", () => {
    const fence = new AbortController();
    const old = [0, 1].map((offset) => delivery("a", offset, { revoked: fence.signal }));
    const { leave } = started("partition", [...old, delivery("a", 0), delivery("a", 1)]);
    fence.abort();
    expect(leave(2)).toEqual(["a:0"]);
    expect(leave(1)).toEqual(["a:1"]);
    expect(leave(3)).toEqual(["a:1"]);
  });

  test("what stands behind a post that will not come any more goes back, what stands before it goes on", () => {
    const { sequence, posts, leave } = started(
      "partition",
      [0, 1, 2, 3].map((offset) => delivery("a", offset)),
    );
    expect(leave(2)).toEqual([]);
    expect(places(sequence.cut(posts[1]!).back)).toEqual(["a:2"]);
    expect(places(sequence.leave(posts[3]!).back)).toEqual(["a:3"]);
    expect(leave(0)).toEqual(["a:0"]);
  });
});
