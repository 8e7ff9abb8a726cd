import { execFile } from "node:child_process";
import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { type Delivery, isFault, type Post } from "starling-ner";
import { testHost, testSource } from "starling-ner/testing";
import { expect, test } from "vitest";
import sourceFile from "./index.ts";

const folder = () => mkdtemp(join(tmpdir(), "starling-source-"));
const line = (id: string, more: Partial<Post> = {}) => JSON.stringify({ id, text: `post ${id}`, ...more });

async function written(content: string | Buffer, name = "posts.ndjson"): Promise<string> {
  const path = join(await folder(), name);
  await writeFile(path, content);
  return path;
}

type Options = Parameters<typeof sourceFile.options.parse>[0];

async function read(options: Options): Promise<Delivery[]> {
  const source = await sourceFile.open(sourceFile.options.parse(options), testHost());
  const found: Delivery[] = [];
  for await (const chunk of source.read(new AbortController().signal)) found.push(...chunk);
  return found;
}

/** The id of a post, or the code of what is wrong with it. */
const brief = ({ post }: Delivery) => {
  if (post.kind === "ok") return post.value.id;
  return post.kind === "fail" && isFault(post.error) ? post.error.code : "?";
};
const messages = (found: readonly Delivery[]) =>
  found.map(({ post }) => (post.kind === "fail" ? post.error.message : ""));

testSource({
  test,
  plugin: sourceFile,
  options: async () => ({ path: await written(`${line("a")}\n{"id": 1\n${line("b")}\n`) }),
  holds: [
    { id: "a", bytes: Buffer.from(line("a")) },
    { id: null, bytes: Buffer.from('{"id": 1') },
    { id: "b", bytes: Buffer.from(line("b")) },
  ],
});

test("lane is the file's name and offset the line's number, blank lines counted", async () => {
  const found = await read({ path: await written(`${line("a")}\n\n \r\n${line("b")}`) });
  expect(found.map(({ origin }) => [origin.lane, origin.offset])).toEqual([
    ["posts.ndjson", "0"],
    ["posts.ndjson", "3"],
  ]);
});

test("a byte order mark, CRLF and a last line without an end are tolerated", async () => {
  const found = await read({ path: await written(`\ufeff${line("é")}\r\n${line("b")}\r\n${line("c")}`) });
  expect(found.map(brief)).toEqual(["é", "b", "c"]);
  expect(Buffer.from(found[1]!.origin.bytes()).toString()).toBe(line("b"));
});

test.each([["plain"], ["gzip"]])("lines of any length survive any cut of the stream (%s)", async (form) => {
  const ids = Array.from({ length: 3000 }, (_, i) => `${i}${"é".repeat((i * 37) % 400)}`);
  const text = ids.map((id) => line(id)).join("\n");
  const found = await read({ path: await written(form === "gzip" ? gzipSync(text) : text, "posts.jsonl.gz") });
  expect(found.map(brief)).toEqual(ids);
  expect(found.map(({ origin }) => Buffer.from(origin.bytes()).toString())).toEqual(ids.map((id) => line(id)));
});

test("a folder is read in the order of its names, gzip included, other files left alone", async () => {
  const path = await folder();
  await writeFile(join(path, "b.ndjson"), line("b"));
  await writeFile(join(path, "a.jsonl.gz"), gzipSync(line("a")));
  await writeFile(join(path, "notes.txt"), "not a post");
  expect((await read({ path })).map(({ origin }) => origin.lane)).toEqual(["a.jsonl.gz", "b.ndjson"]);
});

test("one bad post never stops the stream, and each says where it stood and why", async () => {
  const bad = [
    ['{"id": "1", "text": "a"', "POST_NOT_JSON", "line 2, column 24"],
    ['{"id": "1", "text": 7}', "POST_INVALID", "line 3: text:"],
    ['{"id": "1"}', "POST_INVALID", "line 4: text:"],
    ['{"id": "1", "text": ""}', "POST_INVALID", "line 5: text: is empty"],
    ["\0\x01", "POST_NOT_JSON", "line 6, column 1"],
  ] as const;
  const found = await read({ path: await written([line("a"), ...bad.map(([text]) => text), line("z")].join("\n")) });
  expect(found.map(brief)).toEqual(["a", ...bad.map(([, code]) => code), "z"]);
  for (const [i, [, , where]] of bad.entries()) expect(messages(found)[i + 1]).toContain(where);
});

test("bytes that are not UTF-8 fail their line, name the byte, and are given back", async () => {
  const broken = Buffer.concat([Buffer.from('{"id": "\ufffdé'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
  const found = await read({ path: await written(Buffer.concat([broken, Buffer.from(`\n${line("é")}`)])) });
  expect(found.map(brief)).toEqual(["POST_NOT_UTF8", "é"]);
  expect(messages(found)[0]).toContain("posts.ndjson line 1, byte 14:");
  expect(Buffer.from(found[0]!.origin.bytes())).toEqual(broken);
});

test.each([[40], [400_000]])(
  "a line longer than maxLineBytes (%i) fails, keeps its beginning, and later lines are read",
  async (maxLineBytes) => {
    const long = line("x".repeat(maxLineBytes));
    const found = await read({ path: await written([line("a"), long, line("b"), long].join("\n")), maxLineBytes });
    expect(found.map(brief)).toEqual(["a", "POST_TOO_LONG", "b", "POST_TOO_LONG"]);
    expect(found.map(({ origin }) => origin.offset)).toEqual(["0", "1", "2", "3"]);
    expect(messages(found)[1]).toContain(`line 2: ${long.length} bytes`);
    expect(long.startsWith(Buffer.from(found[1]!.origin.bytes()).toString())).toBe(true);
  },
);

test("what cannot be read at all is a fault at opening", async () => {
  const open = async (path: string) => sourceFile.open(sourceFile.options.parse({ path }), testHost());
  await expect(open("/no/such/file")).rejects.toMatchObject({ code: "INPUT_MISSING" });
  await expect(open(await folder())).rejects.toMatchObject({ code: "INPUT_EMPTY" });
  const array = await written(" \n[\n]", "posts.json");
  await expect(open(array)).rejects.toMatchObject({ code: "INPUT_NOT_LINES", message: expect.stringContaining("jq") });
});

test("check finds the same without opening, and tells what will be read", async () => {
  const check = async (options: Options) => {
    const read: string[] = [];
    const host = { ...testHost(), reads: (file: string) => void read.push(file), writes() {} };
    const found = (await sourceFile.check?.(sourceFile.options.parse(options), host)) ?? [];
    return [read, found.map(({ option, error }) => `${option} ${isFault(error) && error.code}`)];
  };
  const [path, empty] = [await written(line("a")), await folder()];
  expect(await check({})).toEqual([[], []]);
  expect(await check({ path })).toEqual([[path], []]);
  expect(await check({ path: "/no/such/file" })).toEqual([[], ["path INPUT_MISSING"]]);
  expect(await check({ path: empty })).toEqual([[], ["path INPUT_EMPTY"]]);
  expect(await check({ path: await written("[]", "posts.json") })).toEqual([[], ["path INPUT_NOT_LINES"]]);
  expect(await check({ path, images: "/no/such" })).toEqual([[path], ["images INPUT_MISSING"]]);
  expect(await check({ path, images: "/no/such", checkImages: false })).toEqual([[path], []]);
});

test("a broken gzip file is one failed delivery, and the next file is read", async () => {
  const path = await folder();
  const packed = gzipSync(Array.from({ length: 20_000 }, (_, i) => line(`${i}`)).join("\n"));
  await writeFile(join(path, "a.ndjson.gz"), packed.subarray(0, packed.length >> 1));
  await writeFile(join(path, "b.ndjson"), line("b"));
  const found = await read({ path });
  expect(found.slice(-2).map(brief)).toEqual(["INPUT_CORRUPT", "b"]);
  expect(found.length).toBeGreaterThan(100);
});

test("standard input is read, also where it comes in pieces", async () => {
  const script = `
    import source from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
    const open = await source.open(source.options.parse({}), { resolve: (p) => p, log() {}, count() {} });
    for await (const chunk of open.read(new AbortController().signal))
      for (const { post, origin } of chunk) console.log(origin.lane, origin.offset, post.value?.id);`;
  const args = ["--conditions=source", "--input-type=module", "--eval", script];
  const child = promisify(execFile)(process.execPath, args);
  child.child.stdin!.write(line("a").slice(0, 9));
  await new Promise((done) => setTimeout(done, 300));
  child.child.stdin!.end(`${line("a").slice(9)}\n${line("b")}`);
  expect((await child).stdout).toBe("stdin 0 a\nstdin 1 b\n");
});

const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ", "base64");

async function pictures() {
  const path = await folder();
  await mkdir(join(path, "in", "pictures"), { recursive: true });
  await writeFile(join(path, "in", "pictures", "a.png"), png);
  await writeFile(join(path, "in", "note.png"), "not a picture");
  await writeFile(join(path, "secret.png"), png);
  await symlink(join(path, "secret.png"), join(path, "in", "link.png"));
  return join(path, "in");
}

test("image paths start at the input's folder; files, data URIs, bytes and URLs pass", async () => {
  const path = await pictures();
  const images = [
    { src: "pictures/a.png", alt: "a tower" },
    { src: `data:image/png;base64,${png.toString("base64")}` },
    { bytes: png.toString("base64") },
    { src: "https://example.org/a.png" },
  ];
  await writeFile(join(path, "posts.ndjson"), line("a", { images }));
  const [found] = await read({ path: join(path, "posts.ndjson") });
  expect(found!.post).toMatchObject({
    kind: "ok",
    value: { images: [{ src: join(path, "pictures", "a.png"), alt: "a tower" }, ...images.slice(1)] },
  });
});

test.each([
  ["pictures/none.png", "does not exist"],
  ["note.png", "in/note.png is not an image"],
  ["../secret.png", "leaves the folder"],
  ["/etc/passwd", "leaves the folder"],
  ["link.png", "leads out of the folder"],
  ["file:///etc/passwd", "scheme file:"],
  ["data:text/plain;base64,aGFsbG8=", "is not an image"],
  ["data:image/png,raw", "is not a base64 data URI"],
])("the image %s fails its post: it %s", async (src, reason) => {
  const path = await pictures();
  const lines = [line("a"), line("b", { images: [{ src: "pictures/a.png" }, { src }] }), line("c")];
  await writeFile(join(path, "posts.ndjson"), lines.join("\n"));
  const found = await read({ path });
  expect(found.map(brief)).toEqual(["a", "IMAGE_UNREADABLE", "c"]);
  expect(messages(found)[1]).toContain("posts.ndjson line 2: image 1: ");
  expect(messages(found)[1]).toContain(reason);
});

test("checkImages: false lets a picture be missing, but not leave the folder", async () => {
  const path = await pictures();
  const lines = [line("a", { images: [{ src: "none.png" }] }), line("b", { images: [{ src: "../secret.png" }] })];
  await writeFile(join(path, "posts.ndjson"), lines.join("\n"));
  expect((await read({ path, checkImages: false })).map(brief)).toEqual(["a", "IMAGE_UNREADABLE"]);
});
