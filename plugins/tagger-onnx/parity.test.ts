import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { InferenceSession } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { toBatch } from "./batch.ts";
import { type EncoderConfig, encoderConfig, firstPositionOf, layoutOf } from "./encoder-config.ts";
import { feedsOf } from "./feeds.ts";
import { readEncoderConfig } from "./graph/config.ts";
import { encodeModel } from "./graph/encode.ts";
import { declareInputs, recordEncoder, STATES } from "./graph/encoder.ts";
import { Graph } from "./graph/graph.ts";
import { readSafetensors } from "./graph/safetensors.ts";
import { encoderWeights } from "./graph/weights.ts";
import { type PackedInput, packInput } from "./input.ts";
import { readTokenizer } from "./tokenizer.ts";

// Made by test/fixtures/encoders/make.py with Python's transformers.
const fixture = (family: string): string =>
  fileURLToPath(new URL(`../../test/fixtures/encoders/${family}/`, import.meta.url));

interface Case {
  readonly words: string[];
  readonly added: string;
  readonly ids: number[];
  readonly states?: string;
}

describe.each(["bert", "roberta", "xlm-roberta"])("%s", (family) => {
  const folder = fixture(family);

  test("gives the sub-words that Python gives", async () => {
    const { cases, pack } = await load(folder);
    expect(cases.length).toBeGreaterThan(10);
    for (const one of cases) expect([one.words, [...pack(one).ids]]).toEqual([one.words, one.ids]);
  });

  test("gives the last hidden states that Python gives, alone and in a padded batch", async () => {
    const { cases, config, pack, pad } = await load(folder);
    const session = await openStates(folder);
    const checked = cases.filter(({ states }) => states !== undefined);
    const rows = checked.map(pack);
    const options = { pad, firstPosition: firstPositionOf(config), pooling: "mean" as const };
    const states = async (some: PackedInput[]) => {
      const outputs = await session.run(feedsOf(session, toBatch(some, options)));
      return outputs[STATES]!;
    };
    const together = await states(rows);
    for (const [index, one] of checked.entries()) {
      const expected = floats(one.states!);
      expect(distance(expected, (await states([rows[index]!])).data as Float32Array)).toBeLessThan(1e-4);
      const [, length, width] = together.dims as [number, number, number];
      const row = (together.data as Float32Array).subarray(index * length * width);
      expect(distance(expected, row)).toBeLessThan(1e-4);
    }
    expect(checked.length).toBe(5);
  });
});

async function load(folder: string) {
  const tokenizer = await readTokenizer(folder);
  const config: EncoderConfig = encoderConfig.parse(await readJson(`${folder}config.json`));
  const { cases } = (await readJson(`${folder}expected.json`)) as { cases: Case[] };
  const options = { maxSubwords: 512, maxWordPieces: 512, normaliseUrls: false, wordShape: false, ...layoutOf(config) };
  const pack = ({ words, added }: Case) =>
    packInput({ words, captions: [], knowledge: added }, tokenizer, options).rows[0]!;
  return { cases, config, pack, pad: tokenizer.special.pad };
}

async function openStates(folder: string): Promise<InferenceSession> {
  const config = await readEncoderConfig(folder);
  const file = `${folder}model.safetensors`;
  const graph = new Graph();
  const options = { head: false, pooled: false, wordShape: false };
  for (const [name, { dims, data }] of encoderWeights(config, await readSafetensors(file), file))
    graph.initializer(name, { type: "float32", dims, data });
  declareInputs(graph, options);
  recordEncoder(graph, config, options);
  return InferenceSession.create(encodeModel(graph, [{ name: STATES }]));
}

const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, "utf8"));

const floats = (base64: string): Float32Array =>
  new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);

const distance = (expected: Float32Array, given: Float32Array): number =>
  expected.reduce((most, value, index) => Math.max(most, Math.abs(value - given[index]!)), 0);
