import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { expect, onTestFinished, test } from "vitest";
import { ok } from "../outcome.ts";
import { createCaptioner } from "./captioner.ts";
import { imageOptions } from "./options.ts";
import { live, open } from "./servers.test-help.ts";

const red = (width: number, height: number, alpha = 1) =>
  sharp({ create: { width, height, channels: 4, background: { r: 255, g: 0, b: 0, alpha } } });
const inline = (bytes: Buffer) => ({ bytes: bytes.toString("base64") });
const colourOf = async (bytes: Uint8Array, x = 0, y = 0) => {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  return [...data.subarray((y * info.width + x) * info.channels).subarray(0, 3)].map((level) => Math.round(level / 51));
};

async function shown(bytes: Buffer, options: object = {}) {
  const { images } = await open(options);
  const outcome = await images.load(inline(bytes), live);
  if (outcome.kind !== "ok" || outcome.value.picture === undefined) throw new Error(JSON.stringify(outcome));
  return outcome.value.picture;
}

test.each(["png", "jpeg", "gif", "webp", "avif"] as const)("a %s becomes a jpeg", async (format) => {
  const picture = await shown(await red(40, 20).toFormat(format).toBuffer());
  expect(picture).toMatchObject({ type: "image/jpeg", width: 40, height: 20 });
  expect((await sharp(picture.bytes).metadata()).format).toBe("jpeg");
  expect(await colourOf(picture.bytes)).toEqual([5, 0, 0]);
});

test("the longest side is scaled down, never up", async () => {
  expect(await shown(await red(1000, 500).png().toBuffer(), { maxSide: 100 })).toMatchObject({
    width: 100,
    height: 50,
  });
  expect(await shown(await red(30, 60).png().toBuffer(), { maxSide: 100 })).toMatchObject({ width: 30, height: 60 });
});

test("a photograph on its side is put upright, and tells nothing of where it was taken", async () => {
  const bytes = await red(40, 20)
    .jpeg()
    .withExif({ IFD0: { Copyright: "secret" } })
    .withMetadata({ orientation: 6 })
    .toBuffer();
  const picture = await shown(bytes);
  expect(picture).toMatchObject({ width: 20, height: 40 });
  const { exif, icc, xmp, orientation } = await sharp(picture.bytes).metadata();
  expect([exif, icc, xmp, orientation]).toEqual([undefined, undefined, undefined, undefined]);
});

test("what is transparent stands on white", async () => {
  expect(await colourOf((await shown(await red(8, 8, 0).png().toBuffer())).bytes)).toEqual([5, 5, 5]);
});

test("only the first frame is shown", async () => {
  const frames = [red(16, 16), sharp({ create: { width: 16, height: 16, channels: 4, background: "#00f" } })];
  const bytes = await Promise.all(frames.map((frame) => frame.png().toBuffer()));
  for (const format of ["gif", "webp"] as const) {
    const picture = await shown(
      await sharp(bytes, { join: { animated: true } })
        .toFormat(format)
        .toBuffer(),
    );
    expect(picture).toMatchObject({ width: 16, height: 16 });
    expect((await colourOf(picture.bytes))[0]).toBe(5);
  }
});

test("greys, CMYK, palettes and 16 bits become plain colours", async () => {
  for (const bytes of [
    await red(8, 8).greyscale().png().toBuffer(),
    await red(8, 8).toColourspace("cmyk").jpeg().toBuffer(),
    await red(8, 8).png({ palette: true }).toBuffer(),
    await red(8, 8).toColourspace("rgb16").png().toBuffer(),
  ]) {
    const { space, channels } = await sharp((await shown(bytes)).bytes).metadata();
    expect([space, channels]).toEqual(["srgb", 3]);
  }
});

test("one content has one hash, wherever it comes from, and is decoded once", async () => {
  const folder = await tempFolder();
  const bytes = await red(8, 8).png().toBuffer();
  await writeFile(join(folder, "a.png"), bytes);
  const { images } = await open({ folders: [folder] });
  const sources = [
    inline(bytes),
    { src: `data:image/png;base64,${bytes.toString("base64")}` },
    { src: join(folder, "a.png") },
    { src: "a.png" },
  ];
  const loaded = await Promise.all(sources.map((image) => images.load(image, live)));
  const pictures = loaded.map((outcome) => outcome.kind === "ok" && outcome.value.picture);
  expect(new Set(loaded.map((outcome) => outcome.kind === "ok" && outcome.value.sha256)).size).toBe(1);
  const again = await images.load(sources[0]!, live);
  expect(again.kind === "ok" && pictures.includes(again.value.picture)).toBe(true);
});

test("the log says whose image was left out", async () => {
  const { images, logged } = await open({});
  const { run } = createCaptioner({
    ...{ images, source: "test", cacheEntries: 0, maxWords: 20, maxChars: 200 },
    describe: async () => ok("a cat"),
  });
  const post = { id: "p17", text: "look", images: [{ bytes: "bm8gaW1hZ2U=" }] };
  const [outcome] = await run([{ post, facts: {} }], live);
  expect(outcome).toMatchObject({ kind: "pass", reason: "image_unreadable" });
  expect(logged.filter((line) => line.includes('{"postId":"p17","reason":"image_unreadable"}'))).toHaveLength(1);
});

test("what is known by its hash is not decoded", async () => {
  const { images } = await open({});
  const loaded = await images.load({ bytes: "bm8gaW1hZ2U=" }, live, (sha256) => `caption of ${sha256.slice(0, 4)}`);
  expect(loaded).toMatchObject({
    kind: "ok",
    value: { known: expect.stringMatching(/^caption of/), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
});

test.each([
  ["no image", { bytes: "bm8gaW1hZ2U=" }, "image_unreadable", "first bytes"],
  [
    "a bitmap",
    { bytes: Buffer.from("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0").toString("base64") },
    "image_unreadable",
    "first bytes",
  ],
  ["a data URI that is not base64", { src: "data:image/svg+xml,<svg/>" }, "image_unreadable", "not base64"],
  ["too many bytes", { bytes: "A".repeat(4000) }, "image_too_large", "maxBytes, 1000"],
  ["a data URI of too many bytes", { src: `data:image/png;base64,${"A".repeat(4000)}` }, "image_too_large", "maxBytes"],
  ["a path where no folder is named", { src: "/etc/passwd" }, "image_refused", "images.folders"],
])("%s is left out, and said", async (_, image, reason, why) => {
  const { images, logged } = await open({ maxBytes: 1000 });
  expect(await images.load(image, live)).toEqual({ kind: "pass", reason, degraded: reason !== "image_refused" });
  expect(logged[0]).toContain(why);
});

async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "images-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test.each([
  ["../secret.png", "image_refused"],
  ["in/../../secret.png", "image_refused"],
  ["link.png", "image_refused"],
  ["linked/secret.png", "image_refused"],
  ["/etc/passwd", "image_refused"],
  ["/etc/no-such-file", "image_refused"],
  ["/proc/self/environ", "image_refused"],
  ["a\0.png", "image_refused"],
  ["pipe", "image_refused"],
  [".", "image_refused"],
  ["folder", "image_refused"],
  ["none.png", "image_unreadable"],
  ["a.png/b", "image_unreadable"],
  ["large.png", "image_too_large"],
  ["a.png", "ok"],
  ["folder/../a.png", "ok"],
  ["inner.png", "ok"],
])("the path %j is %s", async (src, expected) => {
  const outer = await tempFolder();
  const folder = join(outer, "in");
  await mkdir(join(folder, "folder"), { recursive: true });
  const bytes = await red(8, 8).png().toBuffer();
  await Promise.all([
    writeFile(join(outer, "secret.png"), bytes),
    writeFile(join(folder, "a.png"), bytes),
    writeFile(join(folder, "large.png"), Buffer.alloc(100_001)),
    symlink(join(outer, "secret.png"), join(folder, "link.png")),
    symlink(join(folder, "a.png"), join(folder, "inner.png")),
    symlink(outer, join(folder, "linked")),
  ]);
  execFileSync("mkfifo", [join(folder, "pipe")]);
  const { images } = await open({ folders: [folder], maxBytes: 100_000 });
  const outcome = await images.load({ src }, live);
  expect(outcome.kind === "pass" ? outcome.reason : outcome.kind).toBe(expected);
});

test.each([
  ["pbs.Example.org.", "pbs.example.org"],
  ["*.example.org", "*.example.org"],
  ["bücher.example", "xn--bcher-kva.example"],
  ["0x7f.1", "127.0.0.1"],
  ["[::1]", "[::1]"],
])("the host %s is read as %s", (written, host) => {
  expect(imageOptions.parse({ hosts: [written] }).hosts).toEqual([host]);
});

test.each(["", "*", "*.", "https://a.b", "a.b/c", "a.b:80", "a@b", "a b", "*.*.b", "::1"])("%j is no host", (host) => {
  expect(imageOptions.safeParse({ hosts: [host] }).error?.issues[0]?.message).toContain("no host such as");
});

test("a network that is none is refused", () => {
  expect(imageOptions.safeParse({ networks: ["10.0.0.0"] }).error?.issues[0]?.message).toContain("no network such as");
});

test("example pictures can all be shown", async () => {
  for (const name of ["bridge", "coffee", "concert", "map"])
    expect(
      (await shown(await readFile(join(import.meta.dirname, `../../examples/pictures/${name}.png`)))).width,
    ).toBeGreaterThan(99);
});

test("an image with bytes changed, cut or repeated is a picture or a reason, never more", async () => {
  const { images } = await open({});
  const good = await Promise.all(
    (["png", "jpeg", "gif", "webp", "avif"] as const).map((format) => red(64, 48).toFormat(format).toBuffer()),
  );
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...good),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
      fc.nat(),
      fc.boolean(),
      async (bytes, changes, at, cut) => {
        const broken = Buffer.from(bytes);
        for (const [place, value] of changes) broken[place % broken.length] = value;
        const split = at % broken.length;
        const parts = cut ? [broken.subarray(0, split)] : [broken.subarray(0, split), broken.subarray(split >> 1)];
        const outcome = await images.load(inline(Buffer.concat(parts)), live);
        outcomes.add(outcome.kind === "pass" ? outcome.reason : outcome.kind);
      },
    ),
    { numRuns: 300, seed: 7 },
  );
  expect([...outcomes].filter((one) => !["ok", "image_unreadable", "image_too_large"].includes(one))).toEqual([]);
  expect(outcomes).toContain("ok");
  expect(outcomes).toContain("image_unreadable");
});
