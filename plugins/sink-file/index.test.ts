import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import type { DeadLetter, EntityEvent, Output } from "starling-ner";
import { testHost, testSink } from "starling-ner/testing";
import { expect, test } from "vitest";
import sinkFile from "./index.ts";
import { paint, plain, pretty } from "./pretty.ts";

const origin = { lane: "a", offset: "0", bytes: () => Buffer.from("{}") };
const entity = {
  text: "Ada Lovelace",
  type: "PER",
  start: 5,
  end: 17,
  codePoints: { start: 5, end: 17 },
  words: { start: 1, end: 3 },
  confidence: 0.934,
};
const event = (postId: string, more: Partial<EntityEvent> = {}): EntityEvent => ({
  schema: "starling.entities/1",
  key: `a:${postId}:v`,
  postId,
  revision: 0,
  final: true,
  model: "m",
  entities: [],
  captions: [],
  knowledge: null,
  passed: [],
  degraded: [],
  timings: { totalMs: 1, stages: {} },
  ...more,
});
const deadLetter: DeadLetter = {
  schema: "starling.dead-letter/1",
  key: "a:1:v",
  postId: null,
  stage: "source",
  code: "POST_NOT_JSON",
  reason: "not JSON",
  attempts: 1,
  origin: { lane: "a", offset: "1" },
  bytes: "e30=",
};
const output = (record: Output["record"], text = "Dear Ada Lovelace, hi"): Output => ({
  record,
  origin,
  post: { id: "p", text },
});
const live = new AbortController().signal;

async function place(name = "deep/er/events.ndjson") {
  const path = join(await mkdtemp(join(tmpdir(), "starling-sink-")), name);
  const bytes = async () => (path.endsWith(".gz") ? gunzipSync(await readFile(path)) : readFile(path));
  const lines = async () => (await bytes()).toString().split("\n").slice(0, -1);
  return { path, lines, options: { path }, written: async () => (await lines()).map((line) => JSON.parse(line)) };
}
const open = (options: Parameters<typeof sinkFile.options.parse>[0]) =>
  sinkFile.open(sinkFile.options.parse(options), testHost());

/** What `check` finds, and which files it says will be written. */
async function check(path: string) {
  const written: string[] = [];
  const host = { ...testHost(), reads() {}, writes: (file: string) => void written.push(file) };
  return { found: await sinkFile.check?.(sinkFile.options.parse({ path }), host), written };
}

for (const name of ["events.ndjson", "events.ndjson.gz"])
  testSink({ test, plugin: sinkFile, place: () => place(name), records: [output(event("1")), output(deadLetter)] });

test("the file comes into being with its first record", async () => {
  const { path } = await place();
  const sink = await open({ path });
  await sink.write([], live);
  expect(existsSync(path)).toBe(false);
  await sink.write([output(event("1"))], live);
  expect(existsSync(path)).toBe(true);
  await sink.close?.();
});

test("says where it writes", async () => {
  const { path } = await place();
  const sinks = [await open({ path }), await open({ path: "-" })];
  expect(sinks.map((sink) => sink.place)).toEqual([path, "standard output"]);
  for (const sink of sinks) await sink.close?.();
});

test("what was acknowledged can be read before the file is closed, packed or not", async () => {
  for (const name of ["events.ndjson", "events.ndjson.gz"]) {
    const { path, lines } = await place(name);
    const sink = await open({ path, fsync: true });
    await sink.write([output(event("1"))], live);
    await sink.write([output(event("2"))], live);
    expect(await lines()).toHaveLength(2);
    await sink.close?.();
  }
});

test("an existing file is begun anew, or continued with append", async () => {
  const { path, written } = await place();
  for (const [id, append] of [
    ["1", false],
    ["2", false],
    ["3", true],
  ] as const) {
    const sink = await open({ path, append });
    await sink.write([output(event(id))], live);
    await sink.close?.();
  }
  expect((await written()).map(({ postId }) => postId)).toEqual(["2", "3"]);
});

test.skipIf(!existsSync("/dev/full"))("a full disk is the fault OUTPUT_FULL", async () => {
  const sink = await open({ path: "/dev/full" });
  await expect(sink.write([output(event("1"))], live)).rejects.toMatchObject({ code: "OUTPUT_FULL" });
  await sink.close?.();
});

test("a path that cannot be written is the fault OUTPUT_FAILED at opening, and nothing is made", async () => {
  const { path } = await place("a");
  await mkdir(path);
  const parent = join(path, "not/there/events.ndjson");
  await writeFile(join(path, "file"), "");
  for (const [bad, reason] of [
    [path, /is a folder/],
    ["/dev/null/events.ndjson", /\/dev\/null is no folder/],
    [join(path, "file/deep/events.ndjson"), /file is no folder/],
  ] as const) {
    const fault = { code: "OUTPUT_FAILED", message: expect.stringMatching(reason) };
    await expect(open({ path: bad })).rejects.toMatchObject(fault);
    expect(await check(bad)).toMatchObject({ found: [{ option: ["path"], error: fault }], written: [bad] });
  }
  expect(await check(parent)).toEqual({ found: [], written: [parent] });
  expect(await check("-")).toEqual({ found: [], written: [] });
  await (await open({ path: parent })).close?.();
  expect(existsSync(join(path, "not"))).toBe(false);
});

test.skipIf(process.getuid?.() === 0)("so is a folder or a file that is write-protected", async () => {
  const { path } = await place("a");
  await mkdir(path);
  await writeFile(join(path, "file"), "");
  await chmod(join(path, "file"), 0o400);
  await chmod(path, 0o500);
  for (const name of ["file", "new", "deep/new"])
    await expect(open({ path: join(path, name) })).rejects.toMatchObject({ code: "OUTPUT_FAILED" });
});

test("without a record, an existing file is left empty, or as it was with append", async () => {
  for (const name of ["events.ndjson", "events.ndjson.gz"])
    for (const append of [false, true]) {
      const { path, lines, written } = await place(name);
      const first = await open({ path });
      await first.write([output(event("1"))], live);
      await first.close?.();
      const second = await open({ path, append });
      expect(await lines()).toHaveLength(append ? 1 : 0);
      await second.write([output(event("2"))], live);
      await second.close?.();
      expect((await written()).map(({ postId }) => postId)).toEqual(append ? ["1", "2"] : ["2"]);
    }
});

/** Writes batches of 1000 events to standard output until it fails, then names the fault on standard error. */
const script = (batches: number) => `
  import sink from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
  const open = await sink.open(sink.options.parse({}), { resolve: (p) => p, log() {}, count() {} });
  const batch = Array.from({ length: 1000 }, () => ({ record: ${JSON.stringify(event("1"))} }));
  let alive = 0;
  setInterval(() => alive++, 1).unref();
  try {
    for (let i = 0; i < ${batches}; i++) await open.write(batch, new AbortController().signal);
  } catch (error) {
    console.error(error.code);
  }
  await open.close();
  console.error(alive > 20 ? "alive" : "blocked");`;

const run = (batches: number, reader: string) =>
  promisify(execFile)(
    "bash",
    ["-c", `"$0" --conditions=source --input-type=module --eval "$1" | ${reader}`, process.execPath, script(batches)],
    { maxBuffer: 1e9 },
  );

test("all of it arrives through a pipe, and a slow reader does not stop the loop", async () => {
  const { stdout, stderr } = await run(5, "(sleep 3; wc -l)");
  expect(stdout.trim()).toBe("5000");
  expect(stderr.trim()).toBe("alive");
});

test("a reader that goes away is the fault OUTPUT_CLOSED", async () => {
  const { stderr } = await run(1e9, "head -1 >/dev/null");
  expect(stderr).toContain("OUTPUT_CLOSED");
});

test("pretty shows the text with its entities in place, then each with type and confidence", () => {
  const record = event("p7", { entities: [entity], degraded: [{ stage: "knowledge", reason: "timeout" }] });
  expect(pretty(output(record), plain)).toBe(
    ["p7", "  Dear Ada Lovelace PER, hi", "    PER   0.93  Ada Lovelace", "    knowledge: timeout", "", ""].join("\n"),
  );
  expect(pretty(output(record), paint)).toContain("\x1b[1;4;32mAda Lovelace\x1b[0m");
});

test("pretty shows what was learnt on the way, a line for each, with the last event alone", () => {
  const record = event("p", {
    captions: [{ image: 0, text: "a portrait", source: "alt" }],
    ask: { yes: true, gain: 2.04, reason: "gain" },
    knowledge: {
      source: "knowledge-replay:recorded",
      usd: 0.00021,
      neighbours: ["b-1", "b-2"],
      names: [
        { text: "Ada Lovelace", type: "person", inPost: true },
        { text: "Byron", type: "person", inPost: false },
      ],
    },
  });
  const [, , ...notes] = pretty(output(record), plain).trimEnd().split("\n");
  expect(notes).toEqual([
    "    image 1: a portrait",
    "    examples: b-1, b-2",
    "    gate: asked (gain, +2.0 F1 points expected)",
    "    knowledge: Ada Lovelace (person), Byron (person, not in the post); knowledge-replay:recorded, 0.0002 USD",
  ]);
  expect(pretty(output({ ...record, final: false }), plain)).toBe("p  draft\n  Dear Ada Lovelace, hi\n\n");
});

test("pretty says of a post that was not asked about why not", () => {
  const record = event("p", { ask: { yes: false, gain: -0.31, reason: "confident" } });
  expect(pretty(output(record), plain)).toContain("    gate: not asked (confident, -0.3 F1 points expected)\n");
});

test("pretty shows the first of two entities that overlap, and names both", () => {
  const inner = { ...entity, text: "Lovelace", type: "LOC", start: 9 };
  const shown = pretty(output(event("p", { entities: [entity, inner] })), plain);
  expect(shown).toContain("Dear Ada Lovelace PER, hi");
  expect(shown).toContain("LOC   0.93  Lovelace");
});

test("what a terminal would obey in a post is written out, wherever it stands; ndjson stays exact", async () => {
  const evil = "\x1b]0;owned\x07\x9b31m\u202egnp.exe\u2066\u200f\rPER";
  const record = event(evil, {
    entities: [{ ...entity, text: evil, start: 2, end: 2 + evil.length }],
    captions: [{ image: 0, text: evil, source: "alt" }],
  });
  const letter = { ...deadLetter, postId: evil, reason: evil };
  const shown = pretty(output(record, `a ${evil}\n${evil} b`), plain) + pretty({ record: letter, origin }, plain);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are meant.
  expect(shown).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
  expect(shown.split("\\u001b]0;owned\\u0007\\u009b31m\\u202egnp.exe\\u2066\\u200f\\u000dPER")).toHaveLength(8);

  const { path, written } = await place();
  const sink = await open({ path, format: "ndjson" });
  await sink.write([{ ...output(record), post: { id: evil, text: evil } }], live);
  await sink.close?.();
  expect(await written()).toEqual([record]);
});

test("a line break in a name of a post or an entity makes no line of its own", () => {
  const record = event("p\nPER  0.99  fake", { entities: [{ ...entity, text: "Ada\nLovelace" }] });
  const text = "Dear Ada\nLovelace, hi\nthere";
  expect(pretty(output(record, text), plain).split("\n")).toEqual([
    "p\\u000aPER  0.99  fake",
    "  Dear Ada",
    "  Lovelace PER, hi",
    "  there",
    "    PER   0.93  Ada\\u000aLovelace",
    "",
    "",
  ]);
});

test("pretty names a dead letter by where it stood", () => {
  expect(pretty({ record: deadLetter, origin }, plain)).toBe("a:1 POST_NOT_JSON at source\n  not JSON\n\n");
});
