import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFault } from "starling-ner";
import { testHost } from "starling-ner/testing";
import { afterEach, expect, test } from "vitest";
import { writeManifest } from "../../src/train/manifest.ts";
import { fixtureFolder } from "./fixture.ts";
import { readFolder, writeFolder } from "./folder.ts";
import { readEncoderConfig } from "./graph/config.ts";
import { encodeModel } from "./graph/encode.ts";
import { readSafetensors } from "./graph/safetensors.ts";
import { encoderWeights, HEAD_BIAS, HEAD_WEIGHT } from "./graph/weights.ts";
import { type OpenTagger, openTagger } from "./open-tagger.ts";
import { options } from "./options.ts";
import { SERVED, serveGraph } from "./serve-graph.ts";

const folders: string[] = [];
const taggers: OpenTagger[] = [];
afterEach(async () => {
  await Promise.all(taggers.splice(0).map((tagger) => tagger.close()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

/** A copy of a fixture that a test may break. */
async function copyOf(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "starling-folder-"));
  folders.push(folder);
  await cp(fixtureFolder(name), folder, { recursive: true });
  return folder;
}

async function open(model: string, purpose: "serve" | "train" = "serve"): Promise<OpenTagger> {
  const tagger = await openTagger(options.parse({ model, processes: 1 }), { ...testHost(), purpose });
  taggers.push(tagger);
  return tagger;
}

async function faultOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isFault(error)) throw new Error(`expected a fault, not ${String(error)}`);
  return { code: error.code, message: error.message };
}

async function edit(folder: string, file: string, change: (json: Record<string, unknown>) => unknown): Promise<void> {
  const json = JSON.parse(await readFile(join(folder, file), "utf8")) as Record<string, unknown>;
  change(json);
  await writeFile(join(folder, file), JSON.stringify(json));
}

const crfOfZeros = { transitions: new Array(25).fill(0), start: new Array(5).fill(0), end: new Array(5).fill(0) };
const about = {
  name: "small",
  family: "bert" as const,
  types: ["PER", "LOC"],
  crf: crfOfZeros,
  temperature: 1.5,
  labelMap: { OTHER: "PER" },
  input: { maxSubwords: 128, normaliseUrls: true, wordShape: false, separators: 1 as const },
  pooling: "mean" as const,
};

/** A saved model on the encoder of a fixture, with a head of the given weights. */
async function save(weight = 0.01, signs: "joined" | "apart" = "apart"): Promise<string> {
  const base = fixtureFolder("bert");
  const folder = await mkdtemp(join(tmpdir(), "starling-folder-"));
  folders.push(folder);
  const config = await readEncoderConfig(base);
  const file = join(base, "model.safetensors");
  const weights = encoderWeights(config, await readSafetensors(file), file);
  weights.set(HEAD_WEIGHT, { dims: [32, 5], data: new Float32Array(160).map((_, i) => weight * Math.sin(1 + i * i)) });
  weights.set(HEAD_BIAS, { dims: [5], data: new Float32Array(5) });
  await writeFolder(
    folder,
    { ...about, input: { ...about.input, signs } },
    { fp32: encodeModel(serveGraph(config, weights), SERVED) },
    base,
  );
  await writeManifest(folder, about.name);
  return folder;
}

const post = { words: ["New", "York", "sings"], captions: [], knowledge: "" };
const signal = new AbortController().signal;

test("opens what it wrote, and names it by its manifest", async () => {
  const folder = await save();
  const tagger = await open(folder);
  expect(tagger.model).toMatchObject({
    types: ["PER", "LOC"],
    labelMap: { OTHER: "PER" },
    precision: "fp32",
    provider: "cpu",
  });
  expect(tagger.model.version).toMatch(/^small-[0-9a-f]{8}$/);
  expect((await tagger.tag([post], signal))[0]?.kind).toBe("ok");
});

test("a pooling other than the model's own is part of its version: such features are not alike", async () => {
  const folder = await save();
  const version = async (pooling?: "cls" | "mean") =>
    (await readFolder(folder, { precisions: ["fp32"], pooling })).version;
  const own = await version();
  expect(await version("mean")).toBe(own);
  expect(await version("cls")).toBe(`${own}-cls`);
});

test("a model that learnt joined signs reads `#` and the word it touches as one", async () => {
  const [joined, apart] = [await open(await save(3, "joined")), await open(await save(3))];
  const [live, gold] = [
    ["See", "#", "York"],
    ["See", "#York"],
  ];
  const touching = { ...post, words: live, glued: [false, false, true] };
  const [asPosted] = await joined.tag([touching], signal);
  const [asLearnt] = await apart.tag([{ ...post, words: gold }], signal);
  if (asPosted?.kind !== "ok" || asLearnt?.kind !== "ok") throw new Error("not tagged");
  const given = [0, 1, 3];
  const wanted = asLearnt.value.tagging.mentions.map((m) => ({ ...m, start: given[m.start], end: given[m.end] }));
  expect(wanted.length).toBeGreaterThan(0);
  expect(asPosted.value.tagging.mentions).toEqual(wanted);
  const [unread] = await apart.tag([touching], signal);
  expect(unread).not.toEqual(asPosted);
});

test("a saved model of one precision is refused for the other", async () => {
  const fault = await faultOf(readFolder(await save(), { precisions: ["int8"] }));
  expect(fault.code).toBe("MODEL_FILE_MISSING");
  expect(fault.message).toContain("int8");
});

test("refuses a saved model whose files differ from its manifest", async () => {
  const folder = await save();
  const model = await readFile(join(folder, "model.onnx"));
  model[model.length >> 1]! ^= 1;
  await writeFile(join(folder, "model.onnx"), model);
  const fault = await faultOf(open(folder));
  expect(fault.code).toBe("MANIFEST_MISMATCH");
  expect(fault.message).toContain("model.onnx");
});

test("refuses a CRF that does not fit the types, naming the place", async () => {
  const folder = await save();
  await rm(join(folder, "manifest.json"));
  await edit(folder, "tagger.json", (json) => Object.assign(json, { types: ["PER"] }));
  const fault = await faultOf(open(folder));
  expect(fault.code).toBe("MODEL_FILE_INVALID");
  expect(fault.message).toMatch(/crf/);
});

test("refuses a truncated ONNX file, naming it", async () => {
  const folder = await save();
  await truncate(join(folder, "model.onnx"), 50_000);
  await writeManifest(folder, about.name);
  const fault = await faultOf(open(folder));
  expect(fault.code).toBe("MODEL_FILE_INVALID");
  expect(fault.message).toContain("model.onnx");
});

test("refuses a truncated ONNX file of another exporter, naming it", async () => {
  const folder = await copyOf("bert-onnx");
  await truncate(join(folder, "model.onnx"), 50_000);
  const fault = await faultOf(open(folder));
  expect(fault.code).toBe("MODEL_FILE_INVALID");
  expect(fault.message).toContain("model.onnx");
});

test("refuses truncated safetensors, naming the file", async () => {
  const folder = await copyOf("bert");
  await truncate(join(folder, "model.safetensors"), 60_000);
  const fault = await faultOf(open(folder));
  expect(fault.message).toContain("model.safetensors");
});

test("refuses NaN weights, naming the tensor", async () => {
  const folder = await copyOf("bert");
  const file = join(folder, "model.safetensors");
  const bytes = await readFile(file);
  bytes.writeFloatLE(Number.NaN, bytes.length - 400);
  await writeFile(file, bytes);
  expect((await faultOf(open(folder))).code).toBe("NOT_A_NUMBER");
});

test("a post with scores that are no numbers fails alone", async () => {
  const tagger = await open(await save(Number.NaN));
  const [outcome] = await tagger.tag([post], signal);
  expect(outcome?.kind === "fail" && isFault(outcome.error) && outcome.error.code).toBe("NOT_A_NUMBER");
});

test("refuses a tokenizer with more ids than the embedding table has rows", async () => {
  const folder = await copyOf("bert");
  await cp(join(fixtureFolder("roberta"), "tokenizer.json"), join(folder, "tokenizer.json"));
  const fault = await faultOf(open(folder));
  expect(fault.code).toBe("TOKENIZER_MISMATCH");
  expect(fault.message).toMatch(/320 rows/);
});

test("refuses a tokenizer that leaves most of the embedding table unused", async () => {
  const folder = await copyOf("roberta");
  await cp(join(fixtureFolder("xlm-roberta"), "tokenizer.json"), join(folder, "tokenizer.json"));
  const fault = await faultOf(open(folder));
  expect(fault.code).toBe("TOKENIZER_MISMATCH");
  expect(fault.message).toMatch(/ids up to 173, .* 400 rows/);
});

test("refuses a family it does not know, and says which it knows", async () => {
  const folder = await copyOf("bert");
  await edit(folder, "config.json", (json) => Object.assign(json, { model_type: "gpt2" }));
  const fault = await faultOf(open(folder));
  expect(fault.code).toBe("MODEL_FAMILY_UNKNOWN");
  expect(fault.message).toMatch(/gpt2.*bert/);
});

test.each(["config.json", "model.safetensors", "tokenizer.json"])("refuses a folder without %s", async (file) => {
  const folder = await copyOf("bert");
  await rm(join(folder, file));
  const fault = await faultOf(open(folder));
  expect(fault.code).toBe("MODEL_FILE_MISSING");
  expect(fault.message).toContain(file);
});

test("refuses a folder that is not there", async () => {
  expect((await faultOf(open("/no/such/folder"))).code).toBe("MODEL_FILE_MISSING");
});

test("refuses labels that are no BIO2 tags", async () => {
  const folder = await copyOf("bert-onnx");
  await edit(folder, "config.json", (json) => Object.assign(json, { id2label: { 0: "LABEL_0", 1: "LABEL_1" } }));
  expect((await faultOf(open(folder))).message).toMatch(/LABEL_0/);
});

test("refuses a saved model without its manifest", async () => {
  const folder = await save();
  await rm(join(folder, "manifest.json"));
  expect((await faultOf(open(folder))).code).toBe("MANIFEST_MISSING");
});

test("an encoder without a head is refused to serve, and opens to be trained", async () => {
  const folder = await copyOf("bert");
  await edit(folder, "config.json", (json) => Object.assign(json, { id2label: undefined }));
  const file = join(folder, "model.safetensors");
  const bytes = await readFile(file);
  const text = bytes.toString("latin1").replaceAll("classifier.", "elsewhere__".slice(0, 11));
  await writeFile(file, Buffer.from(text, "latin1"));
  expect((await faultOf(open(folder))).code).toBe("MODEL_HEAD_MISSING");
  const tagger = await open(folder, "train");
  const [outcome] = await tagger.tag([post], signal);
  expect(outcome?.kind === "fail" && isFault(outcome.error) && outcome.error.code).toBe("MODEL_HEAD_MISSING");
  expect(tagger.learner).toBeDefined();
});

test("the same classifier gives the same from safetensors and from an exported graph", async () => {
  const [built, exported] = await Promise.all([open(fixtureFolder("bert")), open(fixtureFolder("bert-onnx"))]);
  const [a, b] = await Promise.all([built.tag([post], signal), exported.tag([post], signal)]);
  if (a[0]?.kind !== "ok" || b[0]?.kind !== "ok") throw new Error("both answer");
  expect(a[0].value.tagging.expected.gold).toBeCloseTo(b[0].value.tagging.expected.gold, 4);
  expect(a[0].value.tagging.mentions.map(({ start, end, type }) => [start, end, type])).toEqual(
    b[0].value.tagging.mentions.map(({ start, end, type }) => [start, end, type]),
  );
  const cosine = a[0].value.feature.vector.reduce(
    (sum, value, i) => sum + value * (b[0]?.kind === "ok" ? b[0].value.feature.vector[i]! : 0),
    0,
  );
  expect(cosine).toBeGreaterThan(0.99999);
});
