import { execFile } from "node:child_process";
import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import type { Demonstration } from "../bank.ts";
import { addToBank, bankLines, checkBank, gramsOf, linesOf, readPgim, similarPairs } from "./index.ts";

const folder = await mkdtemp(join(tmpdir(), "starling-banks-"));
afterAll(() => rm(folder, { recursive: true }));
let files = 0;
async function fileOf(content: string): Promise<string> {
  const path = join(folder, `${files++}`);
  await writeFile(path, content);
  return path;
}

const one = (id: string, text: string, more: Partial<Demonstration> = {}): Demonstration => ({
  ...{ id, text, answer: `Named entities:\nNone.\nReasoning: nothing is named in the post ${id}.`, entities: [] },
  ...more,
});

test("5-grams are of words in lower case, without signs; a shorter text is one", () => {
  expect([...gramsOf("A b, c! D e f")]).toEqual(["a b c d e", "b c d e f"]);
  expect([...gramsOf("Hi there")]).toEqual(["hi there"]);
  expect([...gramsOf("...")]).toEqual([]);
});

test("similar pairs are told once, with the share of the shorter one's 5-grams", () => {
  const long = one("long", "the quick brown fox jumps over the lazy dog today and again tomorrow", {
    answer: "first answer",
  });
  const part = one("part", "The quick brown fox jumps over a fence", { answer: "second answer" });
  const other = one("other", "nothing of this kind was ever said by anyone", { answer: "third answer" });
  expect(similarPairs([long, other, part])).toEqual([{ first: "long", second: "part", overlap: 2 / 4, of: "text" }]);
  expect(similarPairs([long, other, part], 0.6)).toEqual([]);
});

test("answers that are copied count, though the posts differ", () => {
  const answer = "Named entities: one and the same long answer stands under both of these posts, word for word";
  const [first, second] = [
    one("a", "rain in the city all week", { answer }),
    one("b", "who has seen my keys today", { answer }),
  ];
  expect(similarPairs([first, second])).toMatchObject([{ first: "a", second: "b", of: "whole" }]);
});

test("a report counts captions, types and posts without entities, and names entities that stand nowhere", () => {
  const adele = one("a", "# Adele sings", {
    caption: "a stage",
    answer: "1. #Adele (person)",
    entities: [
      { text: "#Adele", type: "PER" },
      { text: "London", type: "LOC" },
    ],
  });
  expect(checkBank([adele, one("b", "rain again")])).toMatchObject({
    demonstrations: 2,
    withCaption: 1,
    withoutEntities: 1,
    types: { PER: 1, LOC: 1 },
    unfound: [
      { id: "a", entity: "London", in: "text" },
      { id: "a", entity: "London", in: "answer" },
    ],
  });
});

test("adding leaves what is there to the byte, and passes over what it has", async () => {
  const before = `${JSON.stringify({ entities: [], id: "a", text: "rain again in town", answer: "None." })}`;
  const file = await fileOf(before);
  const fresh = one("b", "who has seen my keys since yesterday evening");
  const done = await addToBank(file, [one("a", "rain again in town", { answer: "None." }), fresh]);
  expect(done).toEqual({ added: [fresh], known: 1, similar: [] });
  expect(await readFile(file, "utf8")).toBe(`${before}\n${linesOf([fresh])}`);
  expect((await readdir(folder)).filter((name) => name.includes("."))).toEqual([]);
});

test("adding leaves out what is much the same, unless told otherwise, and makes the file where there is none", async () => {
  const file = join(folder, "new");
  const twice = [one("a", "the very same words in both of them"), one("b", "The very same words in both of them!")];
  expect(await addToBank(file, twice)).toMatchObject({ added: [{ id: "a" }], similar: [{ first: "a", second: "b" }] });
  expect(await addToBank(file, twice, { evenSimilar: true })).toMatchObject({ added: [{ id: "b" }], known: 1 });
});

test("of several who add at once none loses what another added", async () => {
  const file = join(folder, "shared");
  const all = Array.from({ length: 12 }, (_, i) =>
    one(`n${i}`, `number ${i} says what nobody else has said about ${"x".repeat(i + 1)}`),
  );
  const known = all.slice(0, 6);
  const done = await Promise.all([...all, ...known].map((each) => addToBank(file, [each], { evenSimilar: true })));
  const ids = (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).id);
  expect(ids.toSorted()).toEqual(all.map(({ id }) => id).toSorted());
  expect(done.map(({ known }) => known).reduce((sum, each) => sum + each, 0)).toBe(known.length);
  expect((await readdir(folder)).filter((name) => name.includes("."))).toEqual([]);
});

test("processes that add at once wait for each other", async () => {
  const file = join(folder, "processes");
  const script = `import { addToBank } from ${JSON.stringify(join(import.meta.dirname, "add.ts"))};
    const [file, who] = process.argv.slice(1);
    for (let i = 0; i < 8; i++) await addToBank(file, [{ id: who + i, text: who + " " + i, answer: "None.", entities: [] }], { evenSimilar: true });`;
  const runs = ["a", "b", "c"].map((who) =>
    promisify(execFile)(process.execPath, ["--conditions=source", "--input-type=module", "-e", script, file, who]),
  );
  await Promise.all(runs);
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  expect(new Set(lines.map((line) => JSON.parse(line).id)).size).toBe(24);
  expect(lines).toHaveLength(24);
}, 60_000);

test.each([
  ["{}", "id: is missing (string) (and 3 more)"],
  ['{"id":"a","text":"t","answer":7,"entities":[]}', "answer: expected string, received number"],
  ['{"id":"a","text":" ","answer":"None.","entities":[]}', "text: is blank"],
  ['{"id":"a","text":"t","answer":"None.","entities":[{"text":"t"}]}', "entities.0.type: is missing (string)"],
  [
    '{"id":"a","text":"t","answer":"None.","entities":[],"captoin":"c"}',
    'nothing reads "captoin"; did you mean "caption"?',
  ],
  ["[]", "expected object, received array"],
])("a line of a bank that is wrong says what, where, and how to mend it: %s", (line, what) => {
  const { problems } = bankLines(Buffer.from(`${linesOf([one("z", "fine")])}${line}\n`), "b.ndjson");
  expect(problems).toHaveLength(1);
  expect(problems[0]!.message).toContain(`b.ndjson:2: ${what}`);
  expect(problems[0]!.message).toContain("write id, text, answer and entities");
});

test("adding refuses another demonstration under a known id, and a broken bank, and changes nothing", async () => {
  const file = await fileOf(linesOf([one("a", "rain again")]));
  const clash = addToBank(file, [one("c", "one more for the road"), one("a", "sun at last")]);
  await expect(clash).rejects.toMatchObject({
    code: "DATA_MALFORMED",
    message: expect.stringContaining(':1: another demonstration has the id "a"'),
  });
  expect(await readFile(file, "utf8")).toBe(linesOf([one("a", "rain again")]));
  const broken = await fileOf("{");
  await expect(addToBank(broken, [one("x", "any")])).rejects.toMatchObject({ code: "DATA_MALFORMED" });
  expect(await readFile(broken, "utf8")).toBe("{");
});

const posts = "IMGID:7\nAt\tO\nO'Neil\tB-LOC\n's\tO\n\nIMGID:8\nrain\tO\n";
async function pgim(answers: string, entities: string, captions?: string) {
  const files = { answers: await fileOf(answers), entities: await fileOf(entities), posts: await fileOf(posts) };
  return { ...files, captions: captions === undefined ? undefined : await fileOf(captions) };
}

test("PGIM's samples are joined by image id, whatever the line ends", async () => {
  const files = await pgim(
    "7\r\nNamed entities:1. O'Neil (place)Reasoning:it is a place\r\n8\r\nNamed entities may not be present\r\n",
    "8\r\nNone\r\n7\r\n['O'Neil', 'LOC'], ['Q', 'MISC']\r\n",
    "7.jpg :a harbour\n",
  );
  expect(await readPgim(files)).toEqual([
    {
      ...{ id: "7", text: "At O'Neil 's", caption: "a harbour" },
      answer: "Named entities:1. O'Neil (place)Reasoning:it is a place",
      entities: [
        { text: "O'Neil", type: "LOC" },
        { text: "Q", type: "MISC" },
      ],
    },
    { id: "8", text: "rain", answer: "Named entities may not be present", entities: [] },
  ]);
});

test.each([
  ["an answer that no post belongs to", "9\nsaid\n", "9\nNone\n", /:2: no post IMGID:9 in /],
  ["an answer without a list of entities", "7\nsaid\n", "8\nNone\n", /:2: no entities of 7 in /],
  [
    "a list that is none",
    "7\nsaid\n",
    "7\n['O'Neil', LOC]\n",
    /:2: the list of entities cannot be read; write \['surface', 'TYPE'\]/,
  ],
  ["an id at the end", "7\nsaid\n8\n", "7\nNone\n", /:3: nothing follows the id 8/],
])("PGIM's samples with %s are refused", async (_, answers, entities, message) => {
  const reading = readPgim(await pgim(answers, entities));
  await expect(reading).rejects.toMatchObject({ code: "DATA_MALFORMED", message: expect.stringMatching(message) });
});

test("a link to a bank stays a link: the bank behind it grows", async () => {
  const bank = await fileOf("");
  const link = `${bank}-link`;
  await symlink(bank, link);
  expect((await addToBank(link, [one("a", "Anna sings in Rome tonight")])).added).toHaveLength(1);
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await readFile(bank, "utf8")).toContain("Anna sings");
});
