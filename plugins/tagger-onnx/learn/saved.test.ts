import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import type { GoldInput, TrainingRun, TrainPlan } from "starling-ner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeManifest } from "../../../src/train/manifest.ts";
import { fixtureFolder } from "../fixture.ts";
import { options } from "../options.ts";
import { startLearner } from "./index.ts";

const signal = new AbortController().signal;
const plan = {
  types: ["PER", "LOC"],
  seed: 3,
  steps: 40,
  options: { lr: 2e-3, headLr: 1e-2, wordShape: true, signs: "joined", maxSubwords: 64, threads: 2, dropout: 0 },
};
const start = (folder: string, changes: Partial<TrainPlan> = {}) =>
  startLearner(folder, options.parse({ model: folder }), { ...plan, ...changes });

const post = (text: string, ...gold: [number, number, string][]): GoldInput => ({
  words: text.split(" "),
  captions: [],
  knowledge: "",
  gold: gold.map(([first, end, type]) => ({ start: first, end, type })),
});
const posts = [
  post("Anna goes to Paris", [0, 1, "PER"], [3, 4, "LOC"]),
  post("in Rome I met John Smith today", [1, 2, "LOC"], [4, 6, "PER"]),
  post("nothing here"),
];

let scratch: string;
let saved: string;
let before: Weights;
let losses: number[];
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "starling-saved-"));
  saved = join(scratch, "saved");
  const run = await start(fixtureFolder("bert"));
  losses = await learn(run, 40);
  before = await weightsOf(run);
  await run.calibrate(posts, signal);
  await run.save(saved, { precisions: ["fp32", "int8"], labelMap: {} });
  await run.close();
  await writeManifest(saved, "first");
}, 60_000);
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function learn(run: TrainingRun, steps: number): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < steps; i++) found.push(await run.learn(posts, signal));
  return found;
}

interface Weights {
  readonly tables: Buffer;
  readonly dense: Buffer;
}
async function weightsOf(run: TrainingRun): Promise<Weights> {
  const into = await mkdtemp(join(scratch, "state-"));
  await run.checkpoint(into);
  return { tables: await readFile(join(into, "tables.weights")), dense: await readFile(join(into, "dense.weights")) };
}

/** A copy of the saved folder in which `change` has been at work, with a manifest that agrees. */
async function broken(change: (folder: string) => Promise<void>): Promise<string> {
  const folder = await mkdtemp(join(scratch, "broken-"));
  await cp(saved, folder, { recursive: true });
  await change(folder);
  await writeManifest(folder, "first");
  return folder;
}
async function edit(folder: string, file: string, change: object): Promise<void> {
  const path = join(folder, file);
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...change }));
}

test("a saved model goes on from its weights, head, CRF and word shapes, bit for bit", async () => {
  const run = await start(saved, { seed: 9 });
  const after = await weightsOf(run);
  expect(after.tables.equals(before.tables)).toBe(true);
  expect(after.dense.equals(before.dense)).toBe(true);
  expect((await learn(run, 1))[0]).toBeLessThan(losses[0]! / 4);
  await run.close();
});

test("what it was trained with holds where the run says nothing else, and is saved again", async () => {
  const { lr, headLr, threads } = plan.options;
  const run = await start(saved, { options: { lr, headLr, threads, maxSubwords: 32 } });
  await learn(run, 1);
  const again = join(scratch, "again");
  await run.save(again, { precisions: ["fp32"], labelMap: {} });
  await run.close();
  const { input } = JSON.parse(await readFile(join(again, "tagger.json"), "utf8")) as { input: object };
  expect(input).toMatchObject({ wordShape: true, signs: "joined", maxSubwords: 32 });
});

test("a folder with int8 alone is refused, and says how to have both", async () => {
  const folder = await broken(async (at) => {
    await rm(join(at, "model.onnx"));
    await edit(at, "tagger.json", { files: { int8: "model.int8.onnx" } });
  });
  await expect(start(folder)).rejects.toMatchObject({
    code: "MODEL_FILE_MISSING",
    message: expect.stringMatching(/fp32 model of .*: train the model with precisions: \[fp32, int8\]/),
  });
});

test.each([[["PER"]], [["LOC", "PER"]], [["PER", "LOC", "ORG"]]])(
  "the types %j are refused: they are others",
  async (types) => {
    await expect(start(saved, { types })).rejects.toMatchObject({
      code: "TRAIN_DATA_UNFIT",
      message: expect.stringContaining("set train.types: [PER, LOC]"),
    });
  },
);

test("weights that do not fit, are no numbers or are cut off are refused before the first step", async () => {
  const model = async (at: string, change: (bytes: Buffer) => Buffer) =>
    writeFile(join(at, "model.onnx"), change(await readFile(join(at, "model.onnx"))));
  const narrow = await broken((at) => edit(at, "config.json", { intermediate_size: 16 }));
  await expect(start(narrow)).rejects.toThrow(/model\.onnx .* has shape \[32,\d+\], and config\.json .* \[32,16\]/);
  const cut = await broken((at) => model(at, (bytes) => bytes.subarray(0, bytes.length - 5000)));
  await expect(start(cut)).rejects.toMatchObject({ code: "MODEL_FILE_INVALID" });
  const poisoned = await broken((at) =>
    model(at, (bytes) => {
      const norm = fromBinary(ModelProtoSchema, bytes).graph!.initializer.find(({ name }) =>
        name.endsWith("Norm.weight"),
      )!;
      bytes.writeFloatLE(Number.NaN, bytes.indexOf(norm.rawData));
      return bytes;
    }),
  );
  await expect(start(poisoned)).rejects.toMatchObject({ code: "NOT_A_NUMBER" });
  const changed = await broken(async () => {});
  await model(changed, (bytes) => {
    bytes[bytes.length >> 1]! ^= 1;
    return bytes;
  });
  await expect(start(changed)).rejects.toMatchObject({ code: "MANIFEST_MISMATCH" });
});
