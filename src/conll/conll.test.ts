import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { wordsOf } from "../tokens/index.ts";
import {
  fingerprint,
  goldInputOf,
  goldOf,
  overlap,
  parseCaptions,
  parseConll,
  parseKnowledge,
  postOf,
  readCorpus,
  withCaptions,
  withKnowledge,
} from "./index.ts";

const two = "IMGID:7\nKate\tB-PER\nat\tO\nTower\tB-LOC\nBridge\tI-LOC\n\nIMGID:8\nhi\tO\n";
const read = (text: string) => parseConll(text, "data.txt");

describe("CoNLL", () => {
  test("reads samples with their image ids", () => {
    const { samples, types, strays } = read(two);
    expect(samples.map(({ id, words }) => [id, words.join(" ")])).toEqual([
      ["7", "Kate at Tower Bridge"],
      ["8", "hi"],
    ]);
    expect(types).toEqual(["LOC", "PER"]);
    expect(strays).toBe(0);
    expect(goldOf(samples[0]!)).toEqual([
      { start: 0, end: 1, type: "PER" },
      { start: 2, end: 4, type: "LOC" },
    ]);
  });

  test("line ends, a byte order mark, blank lines and a missing last line end change nothing", () => {
    const same = [
      two.replaceAll("\n", "\r\n"),
      `\ufeff${two}`,
      two.trimEnd(),
      two.replace("\n\n", "\n \n\n\n"),
      `\n${two}`,
    ];
    for (const text of same) expect(read(text).samples).toEqual(read(two).samples);
  });

  test("numbers samples without an id, and lets an id line end a sample", () => {
    expect(read("a\tO\n\nb\tO").samples.map(({ id }) => id)).toEqual(["1", "2"]);
    expect(read("IMGID:5\na\tO\nIMGID:6\nb\tO").samples.map(({ id }) => id)).toEqual(["5", "6"]);
  });

  test("keeps odd tokens whole, and counts an id without words", () => {
    const { samples, wordless } = read("IMGID:1\n\nIMGID:2\n\u0085\tO\n\u200b\tO\nNew York\tB-LOC\n\u00a0\tO");
    expect(samples[0]!.words).toEqual(["\u0085", "\u200b", "New York", "\u00a0"]);
    expect(wordless).toBe(1);
  });

  test("a stray I- opens a mention, or is left out when strict; a run counts once", () => {
    const { samples, strays } = read("a\tI-PER\nb\tI-PER\nc\tO\nd\tB-LOC\ne\tI-PER");
    expect(strays).toBe(2);
    expect(goldOf(samples[0]!).map(({ start, end, type }) => `${start}-${end} ${type}`)).toEqual([
      "0-2 PER",
      "3-4 LOC",
      "4-5 PER",
    ]);
    expect(goldOf(samples[0]!, "strict")).toEqual([{ start: 3, end: 4, type: "LOC" }]);
  });

  test.each([
    ["Kate B-PER", "data.txt:2: no tab in", "one tab"],
    ["Kate\tB-PER\tx", "data.txt:2: 2 tabs in", "one tab"],
    ["\tO", "data.txt:2: the token is empty", "before the tab"],
    ["Kate\tPER", 'data.txt:2: "PER" is not a BIO2 tag', "B-PER"],
    ["Kate\tB-", 'data.txt:2: "B-" is not a BIO2 tag', "B-PER"],
    ["Kate\tE-PER", 'data.txt:2: "E-PER" is not a BIO2 tag', "B-PER"],
  ])("refuses the line %j with place, cause and fix", (line, place, fix) => {
    expect(() => read(`IMGID:1\n${line}\n`)).toThrow(expect.objectContaining({ code: "DATA_MALFORMED" }));
    expect(() => read(`IMGID:1\n${line}\n`)).toThrow(place);
    expect(() => read(`IMGID:1\n${line}\n`)).toThrow(fix);
  });

  test.each(["", "\n\n", "IMGID:1\n\n"])("refuses a file without samples, such as %j", (text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: "DATA_EMPTY" }));
  });

  test("says which file is missing", async () => {
    await expect(readCorpus({ path: "/no/such.txt" })).rejects.toThrow(
      "cannot read /no/such.txt: there is no such file",
    );
  });
});

test("a sample makes a post whose word bounds are its words and whose labels are its mentions", () => {
  const post = postOf(read(two).samples[0]!);
  expect(wordsOf(post).map(({ text }) => text)).toEqual(["Kate", "at", "Tower", "Bridge"]);
  expect(post.labels!.map(({ start, end, type }) => [post.text.slice(start, end), type])).toEqual([
    ["Kate", "PER"],
    ["Tower Bridge", "LOC"],
  ]);
});

test("gold for a tagger takes the model's names of types", () => {
  const sample = read("Oscar\tB-OTHER").samples[0]!;
  expect(goldInputOf(sample, { OTHER: "MISC" }).gold).toEqual([{ start: 0, end: 1, type: "MISC" }]);
});

describe("knowledge", () => {
  const pgim =
    "Kate\tB-PER\r\nat\tO\r\nTower\tB-LOC\r\nBridge\tI-LOC\r\n<EOS>\tX\r\nTower\tX\r\nBridge\tX\r\n(London)\tX\r\n\r\nhi\tO\r\n<EOS>\tX\r\n";
  test("is joined on equal words, and what has none is counted", () => {
    const { samples } = read(`${two}\nIMGID:9\nelse\tO\n`);
    const joined = withKnowledge(samples, parseKnowledge(pgim, "pgim.txt"));
    expect(joined.samples.map(({ knowledge }) => knowledge)).toEqual(["Tower Bridge (London)", "", ""]);
    expect(joined.missing).toBe(1);
  });
  test("equal tweets take their entries in turn", () => {
    const { samples } = read("a\tO\n\na\tO\n\na\tO");
    const entries = parseKnowledge("a\tO\n<EOS>\tX\nfirst\tX\n\na\tO\n<EOS>\tX\nsecond\tX", "pgim.txt");
    expect(withKnowledge(samples, entries).samples.map(({ knowledge }) => knowledge)).toEqual([
      "first",
      "second",
      "second",
    ]);
  });
  test("refuses a line without a tab, and a file without knowledge", () => {
    expect(() => parseKnowledge("a\tO\n<EOS>", "pgim.txt")).toThrow("pgim.txt:2: no tab");
    expect(() => parseKnowledge(two, "plain.txt")).toThrow("plain.txt holds no samples with <EOS> and knowledge");
  });
});

test("captions are joined on the image id", () => {
  const captions = parseCaptions("7.jpg :a bridge: at night\n16_05.jpg :x\n", "captions.txt");
  const { samples, missing } = withCaptions(read(two).samples, captions);
  expect(samples.map(({ captions }) => captions)).toEqual([["a bridge: at night"], []]);
  expect(missing).toBe(1);
  expect(() => parseCaptions("nothing here", "captions.txt")).toThrow("captions.txt:1: no colon");
});

describe("fingerprint", () => {
  const of = (text: string) => fingerprint(read(text).samples);
  test("does not see layout, ids or order", () => {
    expect(of("hi\tO\r\n\r\nKate\tB-PER\nat\tO\nTower\tB-LOC\nBridge\tI-LOC")).toBe(of(two));
    expect(of(two)).toMatch(/^[0-9a-f]{64}$/);
  });
  test("sees words, tags and how samples part", () => {
    const all = [
      two,
      two.replace("Kate", "Kat"),
      two.replace("B-PER", "B-ORG"),
      two.replace("\n\nIMGID:8", ""),
      `${two}\nhi\tO`,
    ];
    expect(new Set(all.map(of)).size).toBe(all.length);
  });
  test("overlap is the share of the smaller set that both hold", () => {
    const set = (words: string) =>
      read(
        words
          .split(" ")
          .map((word) => `${word}\tO`)
          .join("\n\n"),
      ).samples;
    expect(overlap(set("a b c d"), set("c d e f g"))).toBe(0.5);
    expect(overlap(set("a"), set("b"))).toBe(0);
  });
});

test("reads data, knowledge and captions from files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "conll-"));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const corpus = await readCorpus({
    path: file("data.txt", two),
    knowledge: file("pgim.txt", "hi\tO\n<EOS>\tX\ngreeting\tX"),
    captions: file("captions.txt", "7.jpg :a bridge"),
  });
  expect(corpus.samples.map(({ captions, knowledge }) => [captions, knowledge])).toEqual([
    [["a bridge"], ""],
    [[], "greeting"],
  ]);
  expect(corpus.without).toEqual({ knowledge: 1, captions: 1 });
});
