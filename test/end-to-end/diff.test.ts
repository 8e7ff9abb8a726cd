import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { configFile, freshFolder, starling, tinyConfig } from "./starling.ts";

describe("starling diff", () => {
  const folder = freshFolder();
  const at = (name: string) => join(folder, name);
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    const posts = '{"id":"1","text":"Adele sings"}\n{"id":"2","text":"nothing"}\n';
    const { stdout } = await starling(["run", configFile(tinyConfig())], { input: posts });
    writeFileSync(at("before.ndjson"), stdout);
    const without = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map((event) => JSON.stringify(event.postId === "1" ? { ...event, entities: [] } : event));
    writeFileSync(at("after.ndjson.gz"), gzipSync(without.join("\n")));
  });

  test("prints each post whose entities differ, and counts them for people", async () => {
    const { code, stdout, stderr } = await starling(["diff", at("before.ndjson"), at("after.ndjson.gz")]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      post: "1",
      origin: "stdin:0",
      gained: [],
      lost: [{ text: "Adele" }],
      changed: [],
    });
    expect(stderr).toMatch(/^2 posts on both sides: 1 the same, 1 different; 0 only before, 0 only after\ntype /);
  });

  test("prints the counts alone, for programs", async () => {
    const { stdout } = await starling(["diff", "--summary", at("before.ndjson"), at("before.ndjson")]);
    expect(JSON.parse(stdout)).toMatchObject({
      posts: { both: 2, same: 2, different: 0 },
      unreadable: { before: 0, after: 0 },
    });
  });

  test("says what it needs", async () => {
    expect(await starling(["diff", "topic:a", at("before.ndjson")])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--config"),
    });
    expect(await starling(["diff", at("none"), at("before.ndjson")])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("INPUT_MISSING"),
    });
    expect(await starling(["diff", at("before.ndjson"), at("none")])).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("starling replay is refused", () => {
  test.each([
    ["a source that reads no topics", ["--into", "a"], "reads no topics; replay files with starling run --input FILE"],
  ])("with %s", async (_what, flags, reason) => {
    expect(await starling(["replay", configFile(tinyConfig()), ...flags])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(reason),
    });
  });

  const live = `resources: { broker: { use: log-kafkajs, options: { brokers: "127.0.0.1:1" } } }
source: { use: source-kafka, options: { client: broker, topics: [posts, "/^ent-/"], retry: { topic: again } } }
sink: { use: sink-kafka, options: { client: broker, topic: entities } }
deadLetters: { use: sink-kafka, options: { client: broker, topic: letters } }
`;
  test.each([
    [["--into", "posts"], "posts is read and would be written"],
    [["--into", "posts", "--topics", "other"], "posts is read and would be written"],
    [["--into", "extra", "--topics", "other, extra"], "extra is read and would be written"],
    [["--into", "extra", "--topics", "/^ex/"], "extra is read and would be written"],
    [["--into", "ent-2"], "ent-2 is read and would be written"],
    [["--into", "again"], "again is the retry topic"],
    [["--into", "entities"], "entities is where the config sends its events"],
    [["--into", "letters"], "letters is the topic of dead letters"],
    [["--into", "extra", "--against", "/none"], "cannot read /none"],
    [["--into", "extra", "--against", "topic:extra"], "--into extra is the topic of --against"],
    [["--into", "extra", "--topics", "/(/"], "is no regular expression"],
  ])("with %j", async (flags, reason) => {
    expect(await starling(["replay", configFile(live), ...flags])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(reason),
    });
  });

  test.each(["--output", "--dead-letters"])(
    "where %s is the file that it is held against, by a link too",
    async (flag) => {
      const cwd = freshFolder();
      const [baseline, link] = [join(cwd, "before.ndjson"), join(cwd, "link.ndjson")];
      writeFileSync(baseline, "{}\n");
      symlinkSync(baseline, link);
      const rest = flag === "--output" ? [] : ["--into", "extra"];
      const args = ["replay", configFile(live), ...rest, flag, link, "--against", "before.ndjson"];
      expect(await starling(args, { cwd })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`${flag} ${link} is the file of --against`),
      });
      expect(readFileSync(baseline, "utf8")).toBe("{}\n");
    },
  );
});
