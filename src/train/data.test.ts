import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSet } from "../evaluate/set.ts";
import type { OpenStage } from "../flow/types.ts";
import { fail, ok, pass } from "../outcome.ts";
import { trainSchema } from "./config.ts";
import { loadSet } from "./data.ts";
import { inputsOf, stagesBefore } from "./inputs.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "data-"));
});
afterEach(() => rm(folder, { recursive: true }));

const options = (change: object = {}) => ({ folder, labelMap: {}, strays: "lenient" as const, ...change });
const conll = "IMGID:7\nAda\tB-PER\nmet\tO\nOscar\tI-OTHER\n\nIMGID:8\nhi\tO\n";
const live = new AbortController().signal;

async function loaded(change: object = {}, set: object = {}) {
  await writeFile(join(folder, "train.txt"), conll);
  const data = { format: "conll" as const, path: "train.txt", language: "en", ...set };
  return loadSet(data, options(change));
}

test("CoNLL joins captions and knowledge, renames types and reads strays as told", async () => {
  await writeFile(join(folder, "captions.txt"), "7.jpg :two people\n");
  await writeFile(join(folder, "z.txt"), "hi\tO\n<EOS>\tX\n1.\tX\nnone\tX\n");
  const { posts, summary } = await loaded(
    { labelMap: { OTHER: "MISC" } },
    { captions: "captions.txt", knowledge: "z.txt" },
  );
  expect(posts[0]!.gold).toEqual([
    { start: 0, end: 1, type: "PER" },
    { start: 2, end: 3, type: "MISC" },
  ]);
  expect(posts.map(({ captions, knowledge }) => [captions, knowledge])).toEqual([
    [["two people"], ""],
    [[], "1. none"],
  ]);
  expect(summary).toMatchObject({ posts: 2, mentions: 2, strays: 1 });
  expect((await loaded({ strays: "strict" })).posts[0]!.gold).toHaveLength(1);
});

test("signs apart are words of their own, outside a mention that began with one", async () => {
  await writeFile(join(folder, "signs.txt"), "#Rome\tB-LOC\n@ada\tO\nthe\tB-ORG\n#Beatles\tI-ORG\n#\tO\n");
  const { posts } = await loaded({}, { path: "signs.txt", signs: "apart" });
  expect(posts[0]!.post.text).toBe("# Rome @ ada the # Beatles #");
  expect(posts[0]!.gold).toEqual([
    { start: 1, end: 2, type: "LOC" },
    { start: 4, end: 7, type: "ORG" },
  ]);
  expect((await loaded({}, { path: "signs.txt" })).posts[0]!.gold[0]).toEqual({ start: 0, end: 1, type: "LOC" });
});

test("posts keep their words and language; a label inside a word takes the whole word", async () => {
  const post = { id: "a", text: "so #AdaLovelace!", language: "it", labels: [{ start: 4, end: 7, type: "PER" }] };
  await writeFile(join(folder, "posts.ndjson"), `${JSON.stringify(post)}\n`);
  const { posts } = await loadSet({ format: "posts", path: "posts.ndjson", language: "und" }, options());
  expect(posts[0]!.language).toBe("it");
  expect(posts[0]!.gold).toHaveLength(1);
  expect(posts[0]!.gold[0]!.start).toBeGreaterThan(0);
});

test("the fingerprint is the one that evaluate prints, for both formats", async () => {
  expect((await loaded()).summary.fingerprint).toBe((await readSet({ path: join(folder, "train.txt") })).fingerprint);
  const post = { id: "a", text: "Ada met Bo", labels: [{ end: 3, start: 0, type: "PER" }] };
  await writeFile(join(folder, "posts.ndjson"), `${JSON.stringify(post)}\n`);
  const { summary } = await loadSet({ format: "posts", path: "posts.ndjson", language: "und" }, options());
  expect(summary.fingerprint).toBe((await readSet({ path: join(folder, "posts.ndjson") })).fingerprint);
});

test("data files that are missing or broken are named with their line", async () => {
  await expect(loaded({}, { path: "none.txt" })).rejects.toMatchObject({ code: "DATA_UNREADABLE" });
  await writeFile(join(folder, "posts.ndjson"), '{"id":"a","text":"x","labels":[]}\n{"id"\n');
  const posts = loadSet({ format: "posts", path: "posts.ndjson", language: "und" }, options());
  await expect(posts).rejects.toMatchObject({
    code: "DATA_MALFORMED",
    message: expect.stringMatching(/posts\.ndjson:2: column 6: not JSON: .*; write one post as JSON/),
  });
  const none = loadSet({ format: "posts", path: "none.ndjson", language: "und" }, options());
  await expect(none).rejects.toMatchObject({ code: "DATA_UNREADABLE" });
});

test("training and scoring read posts alike, and refuse the same with the same words", async () => {
  const train = (path: string) => loadSet({ format: "posts", path, language: "und" }, options());
  const score = (path: string) => readSet({ path: join(folder, path) });
  const label = { start: 0, end: 3, type: "PER" };
  const strange = '{"id":"a","text":"Ada \\ud800 x","labels":[{"start":0,"end":3,"type":"PER"}]}';
  const separated = JSON.stringify({ id: "b", text: "Ada\u2028Bo", labels: [label] });
  await writeFile(join(folder, "posts.ndjson"), `\ufeff${strange}\r\n \t\n${separated}\n`);
  const texts = ["Ada \ufffd x", "Ada\u2028Bo"];
  expect((await train("posts.ndjson")).posts.map(({ post }) => post.text)).toEqual(texts);
  expect((await score("posts.ndjson")).posts.map(({ post }) => post.text)).toEqual(texts);
  for (const line of [
    '{"id":',
    '{"id":"1"}',
    '{"id":"1","txet":"a"}',
    '{"id":"1","text":"a","labels":[{"start":1}]}',
    "7",
  ]) {
    await writeFile(join(folder, "bad.ndjson"), `${strange}\n${line}\n`);
    const faults = await Promise.all([train, score].map((read) => read("bad.ndjson").catch((error: unknown) => error)));
    expect(faults[0]).toMatchObject({ code: "DATA_MALFORMED", details: { line: 2 } });
    expect(String(faults[1])).toBe(String(faults[0]));
  }
});

const stageOf = (name: string, run: OpenStage["stage"]["run"], flow: Partial<OpenStage["flow"]> = {}): OpenStage => ({
  name,
  plugin: { name, needs: [], uses: ["captions"], gives: ["captions"] },
  stage: { run },
  flow: { batch: 2, waitMs: 0, concurrency: 1, timeoutMs: 1000, onFail: "divert", ...flow },
});

test("earlier stages add their facts in the service's flow; a diverted post is left out and counted", async () => {
  const { posts } = await loaded();
  const captioner = stageOf("captioner", async (batch) =>
    batch.map(({ post }) => {
      if (post.id === "8") return fail(new Error("no picture"));
      return ok({ captions: [{ image: 0, text: "a stage", source: "test" }] });
    }),
  );
  const { inputs, lost } = await inputsOf(posts, [captioner], live);
  expect(inputs.get(posts[0]!.post)).toMatchObject({
    words: ["Ada", "met", "Oscar"],
    captions: ["a stage"],
    knowledge: "",
  });
  expect(inputs.has(posts[1]!.post)).toBe(false);
  expect(lost).toEqual({ captioner: 1 });
});

test("a stage that passes, or fails under skip, leaves the post as it was; stop ends the run", async () => {
  const { posts } = await loaded();
  const passing = stageOf("passing", async (batch) => batch.map(() => pass("no_image")));
  const failing = (onFail: "skip" | "stop") =>
    stageOf("failing", async (batch) => batch.map(() => fail(new Error("too odd"))), { onFail });
  const { inputs } = await inputsOf(posts, [passing, failing("skip")], live);
  expect(inputs.size).toBe(2);
  await expect(inputsOf(posts, [failing("stop")], live)).rejects.toThrow("too odd");
});

test("stages of the tagger in training, and those that need their facts, do not run before it", () => {
  const stage = (name: string, needs: readonly string[], gives: readonly string[]) =>
    ({ name, plugin: { needs, gives } }) as unknown as OpenStage;
  const stages = [
    stage("captioner", [], ["captions"]),
    stage("draft", [], ["draft", "feature"]),
    stage("retriever", ["feature"], ["neighbours"]),
    stage("counter", ["captions"], ["ask"]),
  ];
  expect(stagesBefore(stages, ({ name }) => name === "draft").map(({ name }) => name)).toEqual([
    "captioner",
    "counter",
  ]);
});

test("the section's defaults are those of docs/train.md", () => {
  const least = { name: "x", data: { train: { format: "conll", path: "a" }, valid: { format: "conll", path: "b" } } };
  const config = trainSchema.parse({ ...least, checkpoints: { folder: "c" }, out: "o" });
  expect(config).toMatchObject({ tagger: "tagger", epochs: 8, batch: 16, chunk: 20, seed: 1, patience: 3 });
  expect(config).toMatchObject({
    dropCaptions: 0.3,
    dropKnowledge: 0.3,
    precisions: ["fp32", "int8"],
    strays: "lenient",
  });
  expect(trainSchema.safeParse({ ...least, out: "o", checkpoints: { folder: "c" }, epoch: 3 }).success).toBe(false);
});
