import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventSchema, type Post, postSchema, sniffImage } from "starling-ner";
import { testStage } from "starling-ner/testing";
import { expect, test } from "vitest";
import names from "../../examples/plugins/names-stage.ts";

const root = join(import.meta.dirname, "../..");
const examples = join(root, "examples");
const lines = (text: string) => text.trimEnd().split("\n");
const posts = lines(readFileSync(join(examples, "posts.ndjson"), "utf8")).map((line) =>
  postSchema.parse(JSON.parse(line)),
);

const view = (text: string) => ({ post: { id: text, text }, facts: {} });

testStage({
  test,
  plugin: names,
  options: { names: { LOC: ["New York", "York"] } },
  batch: [view("York is not New York"), view("nothing here"), view("NEW york!")],
  skip: { "lets one bad post spare the others": "every text can be searched for names" },
});

async function tagged(text: string, facts = {}) {
  const stage = await names.open(
    { names: { LOC: ["New York", "York"], MISC: ["york minster"] }, trust: 0.8 },
    {
      log() {},
      warn() {},
      count() {},
      measure() {},
      borrow: () => expect.unreachable(),
      resolve: (path) => path,
      purpose: "serve",
      delivery: "at-least-once",
      order: "none",
      window: 512,
      isRead: () => true,
    },
  );
  const [outcome] = await stage.run([{ post: { id: "1", text }, facts }], AbortSignal.timeout(1000));
  if (outcome?.kind !== "ok") return expect.unreachable("the stage answers every post");
  return outcome.value.tagging;
}

test("names-stage takes the longest name, whatever its case, and goes on behind it", async () => {
  const { mentions, expected } = await tagged("york minster is not in NEW York or #York");
  expect(mentions).toEqual([
    { start: 0, end: 2, type: "MISC", confidence: 0.8 },
    { start: 5, end: 7, type: "LOC", confidence: 0.8 },
    { start: 9, end: 10, type: "LOC", confidence: 0.8 },
  ]);
  expect(expected.correct).toBeCloseTo(2.4);
});

test("names-stage keeps what a model found beside the listed names, and replaces what overlaps them", async () => {
  const draft = {
    mentions: [
      { start: 0, end: 1, type: "PER", confidence: 0.6 },
      { start: 3, end: 4, type: "ORG", confidence: 0.7 },
    ],
    expected: { correct: 1.3, gold: 3 },
    context: "text",
    model: "m-1",
  };
  const tagging = await tagged("Anna loves New York", { draft });
  expect(tagging.mentions.map(({ start, end, type }) => [start, end, type])).toEqual([
    [0, 1, "PER"],
    [2, 4, "LOC"],
  ]);
  expect(tagging).toMatchObject({ expected: { correct: expect.closeTo(1.4), gold: 3 }, model: "m-1+names-1" });
});

test("the sample posts are 30 or more, each with its own id and text", () => {
  expect(posts.length).toBeGreaterThanOrEqual(30);
  expect(new Set(posts.map(({ id }) => id)).size).toBe(posts.length);
  expect(new Set(posts.map(({ text }) => text)).size).toBe(posts.length);
});

test("the sample posts have several shapes", () => {
  const count = (has: (post: Post) => unknown) => posts.filter(has).length;
  const source = (start: string) => (post: Post) => post.images?.some(({ src }) => src?.startsWith(start));
  for (const shape of [
    source("pictures/"),
    source("data:image/png;base64,"),
    source("https://"),
    (post: Post) => post.images?.some(({ alt }) => alt !== undefined),
    (post: Post) => (post.images?.length ?? 0) > 1,
    (post: Post) => post.images === undefined,
    (post: Post) => post.labels,
    (post: Post) => /\p{Emoji_Modifier}|\u200d/u.test(post.text),
    (post: Post) => /#\w/.test(post.text),
    (post: Post) => /@\w/.test(post.text),
  ])
    expect(count(shape)).toBeGreaterThan(0);
});

test("sample posts in another language are named as samples of offsets", () => {
  for (const { id, language } of posts) if (language !== "en") expect(id).toMatch(/^offsets-/);
});

test("every picture that a sample post names by its path is an image below 20 KB", () => {
  for (const { src } of posts.flatMap(({ images }) => images ?? [])) {
    if (!src?.startsWith("pictures/")) continue;
    const bytes = readFileSync(join(examples, src));
    expect(sniffImage(bytes), src).toBe("png");
    expect(bytes.length, src).toBeLessThan(20_000);
  }
});

/** Standard output and standard error of `starling` with these arguments, run in `folder`. */
async function starling(folder: string, ...args: string[]) {
  const command = join(root, "bin/starling.js");
  return promisify(execFile)(process.execPath, [command, ...args], { cwd: folder });
}

test("names.yaml, run from another folder, answers every sample post and finds the labelled names", async () => {
  const folder = await mkdtemp(join(tmpdir(), "starling-examples-"));
  const { stdout, stderr } = await starling(folder, "run", join(examples, "names.yaml"));
  const events = lines(stdout).map((line) => eventSchema.parse(JSON.parse(line)));
  expect(stderr).toBe("");
  expect(events.map(({ postId }) => postId).sort()).toEqual(posts.map(({ id }) => id).sort());
  const bounds = (list: readonly { start: number; end: number; type: string }[] = []) =>
    list.map(({ start, end, type }) => ({ start, end, type }));
  for (const { id, labels } of posts)
    if (labels) expect(bounds(events.find(({ postId }) => postId === id)?.entities)).toEqual(bounds(labels));
});

test("starling in a clone gives the exit code of what it ran", async () => {
  await expect(starling(root, "run", "missing.yaml")).rejects.toMatchObject({ code: 2, stdout: "" });
});

test("a Node that is too old gets a sentence", async (context) => {
  const old = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path));
  if (old === undefined) return context.skip("there is no node beside the one that runs the tests");
  const { stdout: version } = await promisify(execFile)(old, ["--version"]);
  if (Number(/^v(\d+)/.exec(version)![1]) >= 24) return context.skip(`${old} is ${version.trim()}`);
  const run = promisify(execFile)(old, [join(root, "bin/starling.js"), "--help"]);
  await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(/needs Node 24 or later/) });
});
