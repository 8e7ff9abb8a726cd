import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { toBatch } from "../../plugins/tagger-onnx/batch.ts";
import { writeFolder } from "../../plugins/tagger-onnx/folder.ts";
import { readEncoderConfig } from "../../plugins/tagger-onnx/graph/config.ts";
import { encodeModel } from "../../plugins/tagger-onnx/graph/encode.ts";
import { readSafetensors } from "../../plugins/tagger-onnx/graph/safetensors.ts";
import { encoderWeights, HEAD_BIAS, HEAD_WEIGHT } from "../../plugins/tagger-onnx/graph/weights.ts";
import { quantisedValues, toInt8 } from "../../plugins/tagger-onnx/int8.ts";
import { sampleRow } from "../../plugins/tagger-onnx/measure.ts";
import { measureRanges } from "../../plugins/tagger-onnx/ranges.ts";
import { SERVED, serveGraph } from "../../plugins/tagger-onnx/serve-graph.ts";
import { smoothOutliers } from "../../plugins/tagger-onnx/smooth.ts";
import { writeManifest } from "../../src/train/manifest.ts";

export const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Folder of a base encoder, as the training configs name it. */
const encoder = process.env.STARLING_ENCODER ?? at(".cache/minilm");
const untrained = at(".cache/bench-tagger");
const types = ["PER", "LOC", "ORG", "MISC"];

/** A model with both precisions: `--model FOLDER`, or an untrained head on the base encoder; speed does not see the difference. */
export async function benchModel(args: readonly string[]): Promise<string | undefined> {
  const asked = args.indexOf("--model");
  if (asked >= 0) return args[asked + 1];
  if (!existsSync(join(encoder, "model.safetensors"))) return undefined;
  await writeUntrained();
  return untrained;
}

export const NO_MODEL = "no --model FOLDER, and no base encoder in STARLING_ENCODER or .cache/minilm";

async function writeUntrained(): Promise<void> {
  const config = await readEncoderConfig(encoder);
  const file = join(encoder, "model.safetensors");
  const weights = encoderWeights(config, await readSafetensors(file), file);
  const tags = 2 * types.length + 1;
  // Waves instead of random numbers: the same model each time.
  const head = Float32Array.from({ length: config.hidden * tags }, (_, i) => 0.1 * Math.sin(i * 1.7));
  weights.set(HEAD_WEIGHT, { dims: [config.hidden, tags], data: head });
  weights.set(HEAD_BIAS, { dims: [tags], data: Float32Array.from({ length: tags }, (_, tag) => (tag === 0 ? 2 : 0)) });
  const zeros = (size: number) => new Array<number>(size).fill(0);
  const about = {
    name: "untrained",
    family: config.family,
    types,
    crf: { transitions: zeros(tags * tags), start: zeros(tags), end: zeros(tags) },
    temperature: 1,
    labelMap: {},
    input: { maxSubwords: 128, normaliseUrls: true, wordShape: false, separators: 1 as const },
    pooling: "mean" as const,
  };
  const graph = serveGraph(config, weights);
  const batch = toBatch([sampleRow(24)], { pad: 0, firstPosition: config.firstPosition, pooling: "mean" });
  const smooth = await smoothOutliers(graph, [batch]);
  const ranges = await measureRanges(smooth, quantisedValues(smooth), [batch]);
  const models = { fp32: encodeModel(graph, SERVED), int8: encodeModel(toInt8(smooth, { ranges }), SERVED) };
  await writeFolder(untrained, about, models, encoder);
  await writeManifest(untrained, about.name);
}

/** The folder of `--model FOLDER`, or that of the model that comes with the package. */
export function modelArgument(args: readonly string[]): string {
  const asked = args.indexOf("--model");
  return (asked >= 0 ? args[asked + 1] : undefined) ?? at("models/default");
}
