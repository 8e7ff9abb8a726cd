import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testHost, testResource } from "starling-ner/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import bankFile from "./index.ts";

const adele = { id: "a", text: "Adele sings", answer: "1. Adele (person)", entities: [{ text: "Adele", type: "PER" }] };
const rain = { id: "b", text: "rain again", caption: "a wet street", answer: "None.", entities: [] };
const lines = (...values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).join("\n");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-bank-"));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function fileOf(content: string | Buffer): Promise<string> {
  const path = join(folder, `${files++}.ndjson`);
  await writeFile(path, content);
  return path;
}
const open = async (content: string | Buffer) => bankFile.open({ path: await fileOf(content) }, testHost());

testResource({ test, plugin: bankFile, options: async () => ({ path: await fileOf(lines(adele, rain)) }) });

test("reads one demonstration a line, whatever the line ends, with a byte order mark and blank lines", async () => {
  const bank = await open(`\ufeff${JSON.stringify(adele)}\r\n\r\n${JSON.stringify(rain)}`);
  expect(bank.demonstrations).toEqual([adele, rain]);
  expect(bank.get("b")).toEqual(rain);
  expect(bank.get("c")).toBeUndefined();
});

test("its fingerprint follows the content", async () => {
  const [one, same, other] = [await open(lines(adele)), await open(lines(adele)), await open(lines(rain))];
  expect(one.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(same.fingerprint).toBe(one.fingerprint);
  expect(other.fingerprint).not.toBe(one.fingerprint);
});

test.each([
  ["what is no JSON", `${lines(adele)}\n{"id": }`, /0?\.ndjson:2: not JSON, column 8; write one JSON object a line/],
  [
    "an id used twice",
    lines(adele, rain, { ...rain, id: "a" }),
    /:3: the id "a" stands in line 1 already; give each its own id/,
  ],
  ["a line without text", lines({ ...adele, text: undefined }), /:1: text: .*; write id, text, answer/],
  ["a blank text", lines({ ...adele, text: "  " }), /:1: text: is blank/],
  ["a line without an answer", lines({ ...adele, answer: undefined }), /:1: answer: /],
  ["an entity without a type", lines({ ...adele, entities: [{ text: "Adele" }] }), /:1: entities\.0\.type: /],
  ["a key that nobody reads", lines({ ...adele, captoin: "x" }), /:1: .*captoin/],
  [
    "half a surrogate pair",
    `{"id":"x","text":"\\ud83d","answer":"a","entities":[]}`,
    /:1: text: has half of a surrogate pair/,
  ],
  [
    "bytes that are not UTF-8",
    Buffer.concat([Buffer.from(`${lines(adele)}\n"`), Buffer.from([0xe9])]),
    /:2: byte \d+ is not UTF-8; convert/,
  ],
] as const)("refuses %s, and says where", async (_, content, message) => {
  await expect(open(content)).rejects.toMatchObject({
    code: "DATA_MALFORMED",
    message: expect.stringMatching(message),
  });
});

test("refuses a file without a demonstration, and one that is not there", async () => {
  await expect(open("\n")).rejects.toMatchObject({ code: "BANK_EMPTY" });
  const none = bankFile.open({ path: join(folder, "none.ndjson") }, testHost());
  await expect(none).rejects.toMatchObject({ code: "DATA_UNREADABLE" });
});

test("tells what is wrong before anything opens", async () => {
  const host = { ...testHost(), reads() {}, writes() {} };
  const path = await fileOf("{");
  expect(await bankFile.check?.({ path }, host)).toMatchObject([
    { option: ["path"], error: { code: "DATA_MALFORMED" } },
  ]);
});
