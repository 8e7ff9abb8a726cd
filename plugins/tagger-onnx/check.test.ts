import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFault } from "starling-ner";
import { afterEach, expect, test } from "vitest";
import { checkModel } from "./check.ts";
import { fixtureFolder } from "./fixture.ts";
import { options } from "./options.ts";

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

async function copyOf(source: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "starling-check-"));
  folders.push(folder);
  await cp(source, folder, { recursive: true });
  return folder;
}
const saved = () => copyOf(join(import.meta.dirname, "../../models/default"));

/** `CODE sentence` of what is found. */
async function check(model: string, more: object = {}, purpose: "serve" | "train" = "serve"): Promise<string[]> {
  const host = { resolve: (path: string) => path, purpose, reads() {}, foretold: async () => undefined, writes() {} };
  const found = await checkModel(options.parse({ model, ...more }), host);
  return found.map(({ error, option }) => `${option} ${isFault(error) ? error.code : "?"} ${error.message}`);
}

test("finds nothing wrong with folders of the three layouts", async () => {
  expect(await check(await saved())).toEqual([]);
  expect(await check(fixtureFolder("bert"))).toEqual([]);
  expect(await check(fixtureFolder("bert-onnx"))).toEqual([]);
});

test("a folder that is not there is named", async () => {
  expect(await check("/no/such/folder")).toEqual([
    expect.stringMatching(/^model MODEL_FILE_MISSING \/no\/such\/folder is missing; name the folder/),
  ]);
});

test.each(["config.json", "model.safetensors", "tokenizer.json"])("so is a missing %s", async (file) => {
  const folder = await copyOf(fixtureFolder("bert"));
  await rm(join(folder, file));
  expect(await check(folder)).toEqual([expect.stringContaining(`${join(folder, file)} is missing; `)]);
});

test("a weight file that is cut off is seen by its size, without reading it", async () => {
  const folder = await saved();
  const file = join(folder, "model.int8.onnx");
  await truncate(file, 1000);
  expect(await check(folder)).toEqual([expect.stringMatching(/MANIFEST_MISMATCH .* cut off/)]);
  await writeFile(
    file,
    Buffer.alloc((await readFile(join(import.meta.dirname, "../../models/default/model.int8.onnx"))).length),
  );
  expect(await check(folder)).toEqual([]);
});

test("a precision that the folder was not saved with is refused, with those it has", async () => {
  expect(await check(await saved(), { precision: "fp32" })).toEqual([
    expect.stringMatching(/MODEL_FILE_MISSING the fp32 model of .* is missing; it was saved with int8/),
  ]);
});

test("an encoder without a head will do to be trained, not to serve", async () => {
  const folder = await copyOf(fixtureFolder("bert"));
  const file = join(folder, "model.safetensors");
  const text = (await readFile(file)).toString("latin1").replaceAll("classifier.", "elsewhere__");
  await writeFile(file, Buffer.from(text, "latin1"));
  expect(await check(folder)).toEqual([expect.stringContaining("MODEL_HEAD_MISSING")]);
  expect(await check(folder, {}, "train")).toEqual([]);
});
