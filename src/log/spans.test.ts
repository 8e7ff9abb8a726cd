import { describe, expect, test } from "vitest";
import type { LogClient } from "./port.ts";
import { parseBound, spansOf } from "./spans.ts";

/** Two partitions of posts with ten records each. */
const client = {
  topics: async (names = []) => new Map(names.map((name) => [name, 2])),
  offsets: async (topic, at) => [0, 1].map((partition) => ({ topic, partition, offset: at === "earliest" ? 0 : 10 })),
} satisfies Pick<LogClient, "topics" | "offsets"> as unknown as LogClient;

const spans = (from: string, until = "latest") =>
  spansOf(client, ["posts"], { from: parseBound(from)!, until: parseBound(until)! });

describe("a range of offsets", () => {
  test("bounds the partitions that it names, and leaves the others whole", async () => {
    expect(await spans("posts/0:7", "posts/1:2")).toEqual([
      { topic: "posts", partition: 0, from: 7, until: 10 },
      { topic: "posts", partition: 1, from: 0, until: 2 },
    ]);
  });

  test.each([
    ["nope/0:3", "latest", "nope/0"],
    ["posts/0:3,posts/2:1", "latest", "posts/2"],
    ["earliest", "post/1:3", "post/1"],
  ])("from %s until %s is refused: it names what is not read", async (from, until, place) => {
    await expect(spans(from, until)).rejects.toMatchObject({
      code: "LOG_RANGE_ELSEWHERE",
      message: `an offset is given for ${place}, which is not read; name partitions of posts (partitions 0 to 1)`,
    });
  });
});
