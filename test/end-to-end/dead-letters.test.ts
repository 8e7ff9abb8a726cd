import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { configFile, freshFolder, starling, tinyConfig } from "./starling.ts";

/** One post that is not JSON, one without text, one that is answered. */
const posts = '{"id":\n{"id":"2"}\n{"id":"3","text":"Adele sings"}\n';
let config: string;
let file: string;

beforeAll(async () => {
  config = configFile(tinyConfig());
  file = join(dirname(config), "letters.ndjson");
  expect((await starling(["run", config], { input: posts })).code).toBe(0);
});

const letters = (...args: readonly string[]) => starling(["dead-letters", ...args]);

describe("starling dead-letters list", () => {
  test("tells each: place, stage, code, attempts, origin, reason; then how many there are", async () => {
    const { code, stdout, stderr } = await letters("list", "--config", config);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toEqual([
      expect.stringMatching(
        /^letters\.ndjson:1 {2}source {2}POST_NOT_JSON {2}1 attempt {2}of stdin:0 {2}post unreadable {2}stdin line 1/,
      ),
      expect.stringMatching(/^letters\.ndjson:2 {2}source {2}POST_INVALID {2}1 attempt {2}of stdin:1 /),
    ]);
    expect(stderr).toBe("2 dead letters (source: POST_NOT_JSON 1, POST_INVALID 1)\n");
  });

  test("takes a file without any config, filters, a limit, and gives JSON without the bytes", async () => {
    const { stdout } = await letters("list", "--file", file, "--code", "POST_INVALID", "--json");
    const [letter, ...rest] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rest).toEqual([]);
    expect(letter).toMatchObject({
      at: "letters.ndjson:2",
      code: "POST_INVALID",
      origin: { lane: "stdin", offset: "1" },
    });
    expect(letter).not.toHaveProperty("bytes");
    expect((await letters("list", "--file", file, "--limit", "1")).stdout.trimEnd().split("\n")).toHaveLength(1);
    expect((await letters("list", "--file", file, "--stage", "draft")).stdout).toBe("");
  });
});

describe("starling dead-letters show", () => {
  test("gives one whole, by its place or its origin", async () => {
    const { code, stdout } = await letters("show", "letters.ndjson:2", "--file", file);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(
        /^at: letters\.ndjson:2\nstage: source\ncode: POST_INVALID\n[\s\S]*bytes \(10\):\n\{"id":"2"\}\n$/,
      ),
    ]);
    expect((await letters("show", "stdin:1", "-c", config)).stdout).toBe(stdout);
  });

  test("gives the original bytes and nothing else", async () => {
    expect(await letters("show", "letters.ndjson:1", "--file", file, "--bytes")).toMatchObject({
      code: 0,
      stdout: '{"id":',
    });
  });

  test("says where there is none", async () => {
    expect(await letters("show", "letters.ndjson:9", "--file", file)).toMatchObject({
      code: 2,
      stderr: "starling: there is no dead letter letters.ndjson:9; starling dead-letters list tells them [USAGE]\n",
    });
    expect(await letters("list", "--file", `${file}.none`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("[INPUT_MISSING]"),
    });
  });
});

describe("what strangers wrote is shown and not obeyed", () => {
  const path = join(freshFolder(), "hostile.ndjson");
  const posted = '{"id": "\u001b[2J",\n "text": "\u202egnp"}\n';
  beforeAll(async () => {
    const [line] = readFileSync(file, "utf8").split("\n");
    const plain = JSON.parse(line!);
    const origin = { ...plain.origin, headers: { "x\u001b[1m": "a\ncode: NONE\u009b2J" } };
    const bytes = Buffer.from(posted).toString("base64");
    const hostile = {
      ...plain,
      postId: "\u001b]0;owned\u0007",
      reason: "one\r\ntwo\u001b[A",
      key: "k\n\u202e",
      origin,
      bytes,
    };
    writeFileSync(path, `${JSON.stringify(hostile)}\n`);
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are meant.
  const obeyed = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/;

  test("by list, which keeps each letter to its line", async () => {
    const { code, stdout, stderr } = await letters("list", "--file", path);
    expect([code, stdout + stderr]).toEqual([0, expect.not.stringMatching(obeyed)]);
    expect(stdout.split("\n")).toHaveLength(2);
    expect(stdout).toContain("post \\u001b]0;owned\\u0007  one\\u000d\\u000atwo\\u001b[A");
  });

  test("by show, whose rows hold one value each, and whose text keeps its lines", async () => {
    const { code, stdout } = await letters("show", "hostile.ndjson:1", "--file", path);
    expect([code, stdout]).toEqual([0, expect.not.stringMatching(obeyed)]);
    expect(stdout).toContain("\nheader x\\u001b[1m: a\\u000acode: NONE\\u009b2J\n");
    expect(stdout).toContain("\nkey: k\\u000a\\u202e\n");
    expect(stdout).toMatch(/\nbytes \(\d+\):\n\{"id": "\\u001b\[2J",\n "text": "\\u202egnp"\}\n\n$/);
  });

  test("but the bytes alone, and JSON, are as they came", async () => {
    expect(await letters("show", "hostile.ndjson:1", "--file", path, "--bytes")).toMatchObject({ stdout: posted });
    const { stdout } = await letters("show", "hostile.ndjson:1", "--file", path, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ key: "k\n\u202e" });
  });
});

describe("starling dead-letters replay", () => {
  test("writes the original bytes to a new file, and never over one that is there", async () => {
    const out = join(freshFolder(), "again.ndjson");
    const args = ["replay", "--file", file, "--to-file", out];
    expect(await letters(...args)).toMatchObject({ code: 0, stderr: `2 posts sent to ${out}\n` });
    expect(readFileSync(out, "utf8")).toBe('{"id":\n{"id":"2"}\n');
    expect(await letters(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining("EEXIST") });
    expect(readFileSync(out, "utf8")).toBe('{"id":\n{"id":"2"}\n');
  });

  test("pipes them into a run", async () => {
    const { stdout } = await letters("replay", "--file", file, "--to-file", "-", "--code", "POST_INVALID");
    expect(stdout).toBe('{"id":"2"}\n');
  });

  test("in a dry run only tells", async () => {
    const out = join(freshFolder(), "again.ndjson");
    const { code, stderr } = await letters("replay", "--file", file, "--to-file", out, "--dry-run", "--limit", "1");
    expect([code, stderr, existsSync(out)]).toEqual([0, `1 post would be sent to ${out}\n`, false]);
  });

  test.each([
    [["--to-file", "a", "--to-topic", "b"], "exclude each other"],
    [["--limit", "0", "--to-file", "-"], "--limit 0 is no whole number from 1"],
    [["--dry-run"], "came from a file; say where it goes with --to-topic or --to-file"],
    [["--to-topic", "posts"], "needs a config that says how to reach the log"],
  ])("%j is refused before anything is sent", async (flags, reason) => {
    const { code, stdout, stderr } = await letters("replay", "--file", file, ...flags);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(reason)]);
  });
});

describe("starling dead-letters replay --to-topic is refused", () => {
  const live = `resources: { broker: { use: log-kafkajs, options: { brokers: "127.0.0.1:1" } } }
source: { use: source-kafka, options: { client: broker, topics: [posts] } }
sink: { use: sink-kafka, options: { client: broker, topic: entities } }
deadLetters: { use: sink-kafka, options: { client: broker, topic: letters } }
`;
  test.each([
    ["where letters would be added to themselves", "letters", [], "letters is where the dead letters are read"],
    [
      "where other letters are read",
      "letters-2",
      ["--topic", "letters-2"],
      "letters-2 is where the dead letters are read",
    ],
    ["where letters go", "letters", ["--topic", "letters-2"], "letters is the topic of dead letters"],
    ["where events go", "entities", [], "entities is where the config sends its events"],
    [
      "where events go, of letters in a file",
      "entities",
      ["--file", "a"],
      "entities is where the config sends its events",
    ],
  ])("%s", async (_where, topic, flags, reason) => {
    expect(await letters("replay", "-c", configFile(live), "--to-topic", topic, ...flags)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${reason}; name another topic with --to-topic [USAGE]`),
    });
  });
});

test("a config whose dead letters lie nowhere is refused with a hint", async () => {
  const none = configFile(tinyConfig().replace(/^deadLetters.*$/m, ""));
  expect(await letters("list", "-c", none)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--file or --topic"),
  });
});

test("a flag that is misspelt is exit code 2", async () => {
  expect(await letters("list", "--fil", file)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("unknown option"),
  });
});
