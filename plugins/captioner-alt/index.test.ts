import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Post, View } from "starling-ner";
import { testHost, testStage } from "starling-ner/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import captioner from "./index.ts";

const view = (id: string, ...images: NonNullable<Post["images"]>): View => ({
  post: { id, text: "a", images },
  facts: {},
});

let outer: string;
let folder: string;
beforeAll(async () => {
  outer = await mkdtemp(join(tmpdir(), "alt-"));
  folder = join(outer, "in");
  await mkdir(folder);
  await Promise.all([
    writeFile(join(folder, "a.jpg.txt"), "\ufeffA red  bridge\nat dusk\n"),
    writeFile(join(folder, "a.txt"), "not this one"),
    writeFile(join(folder, "b.txt"), "A crowd"),
    writeFile(join(folder, "large.txt"), "word ".repeat(20_000)),
    writeFile(join(outer, "secret.txt"), "the secret"),
    symlink(join(outer, "secret.txt"), join(folder, "link.txt")),
  ]);
});
afterAll(() => rm(outer, { recursive: true }));

testStage({
  test,
  plugin: captioner,
  options: async () => ({ folders: [folder] }),
  batch: [
    view("1", { src: "a.jpg" }, { src: "x.png", alt: "A map" }),
    view("2", { src: "https://a.b/c", alt: "A cup of tea" }),
  ],
  bad: view("3", { src: "none.png" }),
});

type Options = Parameters<typeof captioner.options.parse>[0];
const open = (options: Options = {}) => captioner.open(captioner.options.parse(options), testHost());
const live = new AbortController().signal;
const run = async (given: View, options?: Options) => (await (await open(options)).run([given], live))[0];
const texts = async (given: View, options?: Options) => {
  const outcome = await run(given, options);
  return outcome?.kind === "ok" ? outcome.value.captions.map(({ image, text }) => `${image} ${text}`) : outcome;
};

test("alt texts become captions, each of its image, in their order", async () => {
  const given = view(
    "1",
    { src: "a", alt: "A tower" },
    { src: "b" },
    { bytes: "AAAA", alt: " A \u202ered\u0007\n bridge " },
  );
  expect(await texts(given)).toEqual(["0 A tower", "2 A red bridge"]);
});

test.each(["", "  ", "ab", "Image", "photo.", "An image", "\u200b\u200b\u200b"])("%j says nothing", async (alt) => {
  expect(await run(view("1", { src: "a", alt }))).toEqual({ kind: "pass", reason: "no_alt", degraded: false });
});

test("a post without images passes", async () => {
  expect(await run({ post: { id: "1", text: "a" }, facts: {} })).toMatchObject({ reason: "no_image" });
});

test("what needs no file is answered at once", async () => {
  const { quick } = await open({ folders: [folder] });
  expect(quick?.(view("1", { src: "a.jpg", alt: "A tower" }))).toMatchObject({ kind: "ok" });
  expect(quick?.(view("2"))).toMatchObject({ reason: "no_image" });
  expect(quick?.(view("3", { src: "a.jpg" }))).toBeUndefined();
  expect((await open()).quick?.(view("4", { src: "a.jpg" }))).toMatchObject({ reason: "no_alt" });
});

test("a text beside the file stands in for a missing alt text, and the author's word goes first", async () => {
  const given = view("1", { src: join(folder, "a.jpg") }, { src: "b.png" }, { src: "b.png", alt: "My crowd" });
  expect(await texts(given, { folders: [folder] })).toEqual(["0 A red bridge at dusk", "1 A crowd", "2 My crowd"]);
});

test.each([
  "../secret.png",
  "link.png",
  "/etc/hostname.png",
  "none.png",
  "large.png",
  "https://a.b/a.jpg",
  "data:image/png;base64,AAAA",
])("nothing is read for %s", async (src) =>
  expect(await texts(view("1", { src }), { folders: [folder] })).toMatchObject({ reason: "no_alt" }),
);

test("without folders nothing is read at all", async () => {
  expect(await texts(view("1", { src: join(folder, "a.jpg") }))).toMatchObject({ reason: "no_alt" });
});

test("captions are cut at whole words", async () => {
  const alt = "one two three four";
  expect(await texts(view("1", { src: "a", alt }), { maxWords: 3 })).toEqual(["0 one two three"]);
  expect(await texts(view("1", { src: "a", alt }), { maxChars: 9 })).toEqual(["0 one two"]);
  expect(await texts(view("1", { src: "a", alt: "ab🌉cd" }), { maxChars: 3 })).toMatchObject({ reason: "no_alt" });
  expect(await texts(view("1", { src: "a", alt: "abc🌉cd" }), { maxChars: 4 })).toEqual(["0 abc"]);
});

test("check names a folder that is not there", async () => {
  const options = captioner.options.parse({ folders: [folder, "/no/such", join(folder, "a.txt")] });
  const refusals = await captioner.check?.(options, { ...testHost(), reads() {}, writes() {} });
  expect(refusals?.map(({ option, error }) => [option, error.message])).toEqual([
    [["folders", 1], expect.stringContaining("it does not exist")],
    [["folders", 2], expect.stringContaining("it is no folder")],
  ]);
});
