/**
 * Posts per second of the int8 model over those of its fp32 model, each through the tagger as it is served by default
 * (its own choice of processes, threads and batch), in turn. `ratio` is int8 over fp32; 1.8 is wanted.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { openTagger } from "../plugins/tagger-onnx/open-tagger.ts";
import { options } from "../plugins/tagger-onnx/options.ts";
import { testHost } from "../src/testing/index.ts";
import { splitWords } from "../src/tokens/index.ts";
import { benchModel, NO_MODEL } from "./support/model.ts";
import { benchPosts, median } from "./support/posts.ts";

interface Options {
  readonly scale: number;
  readonly args: readonly string[];
}

const live = new AbortController().signal;

export default async function int8({ scale, args }: Options): Promise<Record<string, unknown>> {
  const model = await benchModel(args);
  if (model === undefined) return { bench: "int8", ratio: null, skipped: NO_MODEL };
  const { of, texts } = await benchPosts(Math.ceil(1446 * scale));
  const inputs = texts.map((text) => ({
    words: splitWords(text).map((word) => word.text),
    captions: [],
    knowledge: "",
  }));
  const open = (precision: "int8" | "fp32") => openTagger(options.parse({ model, precision }), testHost());
  const taggers = [await open("int8"), await open("fp32")];
  const rates: number[][] = [[], []];
  for (let round = 0; round <= Math.max(3, Math.round(7 * scale)); round++)
    for (const [i, tagger] of taggers.entries()) {
      const from = performance.now();
      const outcomes = await tagger.tag(inputs, live);
      if (outcomes.some(({ kind }) => kind !== "ok")) throw new Error("a post failed");
      // The first round warms up.
      if (round > 0) rates[i]!.push((inputs.length / (performance.now() - from)) * 1000);
    }
  const batches = taggers.map(({ ready }) => ready?.batch);
  await Promise.all(taggers.map((tagger) => tagger.close()));
  const [fast, slow] = rates.map(median) as [number, number];
  const megabytes = ["model.int8.onnx", "model.onnx"].map((file) => statSync(join(model, file)).size / 1e6);
  console.log(`${inputs.length} posts (${of})`);
  console.log(`int8: ${fast.toFixed(0)} posts/s, ${megabytes[0]!.toFixed(1)} MB, batch ${batches[0]}`);
  console.log(`fp32: ${slow.toFixed(0)} posts/s, ${megabytes[1]!.toFixed(1)} MB, batch ${batches[1]}`);
  return { bench: "int8", ratio: fast / slow, wanted: 1.8, int8: fast, fp32: slow, megabytes, batches };
}
