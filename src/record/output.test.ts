import { appendFile, mkdtemp, open, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Fault } from "../errors.ts";
import type { Post } from "../schema/post.ts";
import { openBatchLog } from "./batch-log.ts";
import { openRecords } from "./output.ts";

let file: string;
beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), "starling-records-")), "k.ndjson");
});
const line = '{"id":"1","text":"a caf\u00e9","knowledge":"z"}';
/** Each letter is one byte, as in files that are no UTF-8. */
const latin1 = (text: string) => Buffer.from(text, "latin1");

type OpenFile = (file: string) => Promise<{ close(options: { done: boolean }): Promise<void> }>;

test.each<[string, OpenFile, string]>([
  ["of records", openRecords, line],
  ["of batches", openBatchLog, '{"batch":"café","model":"m","keys":["a"]}'],
])("a file %s with bytes that are no UTF-8 is cut where its last whole line ends", async (_, openFile, whole) => {
  await writeFile(file, latin1(`${whole}\n{"id":"2","te`));
  await (await openFile(file)).close({ done: false });
  expect(await readFile(file)).toEqual(latin1(`${whole}\n`));
});

test("what only lacks its end is kept, and gone on with", async () => {
  await writeFile(file, line);
  const records = await openRecords(file);
  expect(records.before).toBe(1);
  const post = { id: "2", text: "b" } as Post;
  await records.add([{ post, knowledge: { text: "y", names: [], source: "s", usd: 0 } }]);
  await records.close();
  expect((await readFile(file, "utf8")).split("\n").length).toBe(3);
  const again = await openRecords(file);
  expect(again.before).toBe(2);
  await again.close();
});

test("a line goes over as many pieces as it likes, and each letter comes whole", async () => {
  const long = "\u00e9".repeat(1_300_000);
  await writeFile(file, `${JSON.stringify({ id: "1", text: long, knowledge: "z" })}\n\n${line}\n`);
  const records = await openRecords(file);
  expect([records.before, records.has({ id: "1", text: long } as Post)]).toEqual([2, true]);
  await records.close();
});

test.each([
  ["notes without an end", "my notes", "not JSON, nor the beginning of it"],
  ["a JSON of another kind", '{"a":1}', "knowledge: "],
])("%s are told, and nothing of them is taken off", async (_, text, message) => {
  await writeFile(file, text);
  await expect(openRecords(file)).rejects.toMatchObject({
    code: "DATA_MALFORMED",
    message: expect.stringContaining(message),
  });
  expect(await readFile(file, "utf8")).toBe(text);
});

test("a file of any size without lines is told before it is read to its end", async () => {
  await using large = await open(file, "w");
  await large.truncate(600_000_000);
  const error = await openRecords(file).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(Fault);
  expect(error).toMatchObject({
    code: "DATA_MALFORMED",
    message: expect.stringContaining("k.ndjson:1: has more than"),
  });
});

test("a device is no output", async () => {
  await expect(openRecords("/dev/full")).rejects.toMatchObject({ code: "OUTPUT_FAILED" });
});

test("of earlier runs a file of batches keeps the answers alone: what failed may be asked again", async () => {
  const answer = { text: "", structured: false, finish: "stop", usage: { inputTokens: 1, outputTokens: 1 }, usd: 0 };
  const fault = { code: "CHAT_REFUSED", details: { model: "m", status: 400, reason: "" } };
  for (const one of [
    { batch: "b", model: "m", keys: ["a", "b"] },
    { batch: "b", id: "1" },
  ])
    await appendFile(file, `${JSON.stringify(one)}\n`);
  for (const one of [{ key: "a", answer }, { key: "b", fault }, { ended: "completed" }])
    await appendFile(file, `${JSON.stringify({ batch: "b", ...one })}\n`);
  const log = await openBatchLog(file);
  expect([...log.results.keys()]).toEqual(["a"]);
  await log.close({ done: false });
});
