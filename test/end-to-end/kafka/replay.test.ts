import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EntityEvent } from "starling-ner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noBroker } from "../../kafka/missing.ts";
import { fresh, sharedBroker } from "../../kafka/shared.ts";
import { freshFolder, plugin, starling } from "../starling.ts";
import { type Config, makePlace, type Place, post, stopped } from "./place.ts";

describe.skipIf(noBroker)(
  `starling replay on a real broker${noBroker ? ` (${noBroker})` : ""}`,
  { timeout: 180_000 },
  () => {
    let at: Place;
    let committed: number;
    const into = fresh("entities-replay");
    /** Another pipeline over the same topics: one in which no stage finds anything. */
    const finds = (nothing: boolean) => (config: Config) => {
      if (nothing) config.stages = [];
      config.resources.tagger = { use: plugin("tiny-tagger") };
    };
    const texts = ["Adele sings", "nothing here", "Adele and Adele", "Adele again", "nothing at all"];

    beforeAll(async () => {
      at = await makePlace(await sharedBroker());
      await at.admin.createTopics({ topics: [{ topic: into }] });
      await at.send(...texts.map((text, i) => post(`p${i}`, text)), { value: "no post" });
      const worker = at.run(finds(false));
      await at.events(5);
      expect(await stopped(worker)).toMatchObject({ code: 0 });
      committed = await at.committed();
    }, 240_000);
    afterAll(() => at?.close());

    const replay = (cwd: string, nothing: boolean, ...flags: readonly string[]) =>
      starling(["replay", at.config(finds(nothing)), ...flags], { cwd });
    const eventsOf = (stdout: string) =>
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as EntityEvent);

    test("reads an offset range, and no more, outside of the live group", async () => {
      const cwd = freshFolder();
      const range = ["--from", `${at.topics.posts}/0:1`, "--until", `${at.topics.posts}/0:4`];
      const { code, stdout, stderr } = await replay(cwd, false, ...range, "--output", "-");
      expect([code, stderr]).toEqual([0, "3 posts read, 3 answered, 0 dead-lettered\n"]);
      expect(
        eventsOf(stdout)
          .map(({ postId }) => postId)
          .sort(),
      ).toEqual(["p1", "p2", "p3"]);
      expect(await at.committed()).toBe(committed);
      expect(committed).toBe(6);
    });

    test("sends them into another topic by another config, and tells what changes against the live one", async () => {
      const cwd = freshFolder();
      const { code, stdout, stderr } = await replay(
        cwd,
        true,
        "--into",
        into,
        "--against",
        `topic:${at.topics.entities}`,
      );
      expect([code, stderr]).toEqual([0, expect.stringContaining("6 posts read, 5 answered, 1 dead-lettered")]);
      const told = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { post: string; lost: readonly { text: string }[] });
      expect(told.map(({ post, lost }) => [post, lost.map(({ text }) => text)]).sort()).toEqual([
        ["p0", ["Adele"]],
        ["p2", ["Adele", "Adele"]],
        ["p3", ["Adele"]],
      ]);
      expect(stderr).toContain("5 posts on both sides: 2 the same, 3 different; 0 only before, 0 only after");
      const [end] = await at.admin.fetchTopicOffsets(into);
      expect(end).toMatchObject({ high: "5" });
      // Neither the live dead letters nor the live group have seen any of it.
      expect(existsSync(join(cwd, "replay-dead-letters.ndjson"))).toBe(true);
      expect((await at.admin.fetchTopicOffsets(at.topics.letters))[0]).toMatchObject({ high: "1" });
      expect(await at.committed()).toBe(committed);
      const same = await starling(["diff", `topic:${into}`, `topic:${into}`, "--config", at.config(), "--summary"]);
      expect(JSON.parse(same.stdout)).toMatchObject({ posts: { both: 5, same: 5 } });
    });

    test.each([
      [["--output", "-", "--from", "yesterday"], "--from yesterday is no bound"],
      [[], "events need one place to go"],
      [["--output", "-", "--against", "a.ndjson"], "--against prints to standard output"],
      [
        ["--output", "-", "--from", "nope/0:3"],
        "an offset is given for nope/0, which is not read; name partitions of ",
      ],
    ])("%j is refused", async (flags, reason) => {
      expect(await replay(freshFolder(), false, ...flags)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(reason),
      });
    });

    test("a loop, and the topic of dead letters, are refused", async () => {
      for (const [topic, reason] of [
        [at.topics.posts, "is read and would be written"],
        [at.topics.letters, "is the topic of dead letters"],
      ] as const)
        expect(await replay(freshFolder(), false, "--into", topic)).toMatchObject({
          code: 2,
          stderr: expect.stringContaining(reason),
        });
    });
  },
);
