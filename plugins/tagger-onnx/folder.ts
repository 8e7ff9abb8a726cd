import { createHash } from "node:crypto";
import { copyFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Fault, makeFolder, manifestFile, verifyManifest, type z } from "starling-ner";
import type { BatchOptions, Pooling } from "./batch.ts";
import {
  type EncoderConfig,
  encoderConfig,
  FAMILIES,
  firstPositionOf,
  isFamily,
  layoutOf,
  readLabels,
} from "./encoder-config.ts";
import type { InputOptions } from "./input.ts";
import type { EngineSpec, ModelSource } from "./messages.ts";
import { ends, exists, readJson, sizeOf, tensorNames } from "./model-files.ts";
import { TAGGER_FILE, taggerFile } from "./tagger-file.ts";
import type { SubwordTokenizer } from "./tokenizer.ts";

export type Precision = "fp32" | "int8";

/** A model folder of any of the three layouts, read but not yet opened. */
export interface ModelFolder {
  readonly folder: string;
  readonly version: string;
  /** Of the file with the weights, where a manifest says it. */
  readonly sha256?: string;
  readonly types: readonly string[];
  readonly labelMap: Readonly<Record<string, string>>;
  readonly precision: Precision;
  readonly source: ModelSource;
  readonly bytes: number;
  /** Absent where the model has no trained head: it can be trained, not asked. */
  readonly head: Pick<EngineSpec, "crf" | "temperature" | "labels" | "labelCount"> | undefined;
  readonly input: InputOptions;
  readonly batch: Omit<BatchOptions, "pad">;
  /** Rows of the embedding table, as config.json says. */
  readonly vocabulary: number | undefined;
}

export interface FolderChoice {
  /** In order of preference; a layout with one precision gives that. */
  readonly precisions: readonly Precision[];
  readonly maxSubwords?: number | undefined;
  readonly pooling?: Pooling | undefined;
  /** How far the files are held against the manifest, where there is one; "contents" by default. */
  readonly depth?: "sizes" | "contents";
}

/**
 * Reads a folder that `starling train` saved (`tagger.json`), a Hugging Face folder (`config.json`, `model.safetensors`)
 * or an ONNX folder in optimum's layout (`config.json`, `model.onnx` or `onnx/model.onnx`).
 */
export async function readFolder(folder: string, choice: FolderChoice): Promise<ModelFolder> {
  if (!(await exists(folder)))
    throw new Fault("MODEL_FILE_MISSING", {
      file: folder,
      hint: "name the folder that holds the model",
    });
  const config = await readJson(folder, "config.json", encoderConfig, "name a model folder, with its config.json");
  if (await exists(join(folder, TAGGER_FILE))) return readSaved(folder, config, choice);
  for (const precision of choice.precisions)
    for (const file of onnxFiles[precision])
      if (await exists(join(folder, file))) return readForeign(folder, config, choice, precision, file);
  return readHuggingFace(folder, config, choice);
}

const onnxFiles: Readonly<Record<Precision, readonly string[]>> = {
  fp32: ["model.onnx", "onnx/model.onnx"],
  int8: ["model_int8.onnx", "model_quantized.onnx", "onnx/model_int8.onnx", "onnx/model_quantized.onnx"],
};

async function readSaved(folder: string, config: EncoderConfig, choice: FolderChoice): Promise<ModelFolder> {
  const saved = await readJson(folder, TAGGER_FILE, taggerFile, "save the model again");
  const precision = choice.precisions.find((one) => saved.files[one] !== undefined);
  if (precision === undefined)
    throw new Fault("MODEL_FILE_MISSING", {
      file: `the ${choice.precisions.join(" or ")} model of ${folder}`,
      hint: `it was saved with ${Object.keys(saved.files).join(" and ")}: set precision to that, or train with precisions`,
    });
  const file = saved.files[precision]!;
  const bytes = await sizeOf(folder, file);
  const { crf, temperature, types } = saved;
  const needed = [TAGGER_FILE, "config.json", "tokenizer.json", file];
  const { version, files } = await verifyManifest(folder, needed, choice.depth);
  return {
    folder,
    version: pooledVersion(version, choice.pooling, saved.pooling),
    sha256: files.find(({ path }) => path === file)!.sha256,
    types,
    labelMap: saved.labelMap,
    precision,
    source: { kind: "onnx", file: join(folder, file), pooled: true },
    bytes,
    head: { crf: { tags: 2 * types.length + 1, ...crf }, temperature, labels: undefined, labelCount: crf.start.length },
    input: { ...layoutOf(config), ...saved.input, ...override(choice.maxSubwords) },
    batch: { firstPosition: firstPositionOf(config), pooling: choice.pooling ?? saved.pooling },
    vocabulary: config.vocab_size,
  };
}

const FOREIGN_POOLING: Pooling = "mean";

/** Features that are pooled otherwise than the model says cannot be compared with others of it. */
const pooledVersion = (version: string, chosen: Pooling | undefined, own: Pooling): string =>
  chosen === undefined || chosen === own ? version : `${version}-${chosen}`;

const override = (maxSubwords: number | undefined) => (maxSubwords === undefined ? {} : { maxSubwords });

async function readForeign(
  folder: string,
  config: EncoderConfig,
  choice: FolderChoice,
  precision: Precision,
  file: string,
): Promise<ModelFolder> {
  const source: ModelSource = { kind: "onnx", file: join(folder, file), pooled: false };
  return { ...(await foreign(folder, config, choice, file)), precision, source, head: classifier(config, folder) };
}

async function readHuggingFace(folder: string, config: EncoderConfig, choice: FolderChoice): Promise<ModelFolder> {
  const file = join(folder, "config.json");
  if (!isFamily(config.model_type))
    throw new Fault("MODEL_FAMILY_UNKNOWN", { file, family: config.model_type, known: FAMILIES.join(", ") });
  const base = await foreign(folder, config, choice, "model.safetensors");
  const names = await tensorNames(join(folder, "model.safetensors"));
  const head = names.includes("classifier.weight") ? classifier(config, folder) : undefined;
  return { ...base, precision: "fp32", source: { kind: "hugging-face", folder }, head };
}

async function foreign(folder: string, config: EncoderConfig, choice: FolderChoice, file: string) {
  const bytes = await sizeOf(folder, file);
  const name = basename(config._name_or_path ?? folder) || "model";
  return {
    folder,
    version: pooledVersion(
      await versionOf(folder, name, ["config.json", "tokenizer.json", file], choice.depth),
      choice.pooling,
      FOREIGN_POOLING,
    ),
    types: config.id2label === undefined ? [] : labelsOrNone(config, folder),
    labelMap: {},
    bytes,
    // Not trained here: a URL is read as the model's own tokenizer reads it.
    input: { maxSubwords: choice.maxSubwords ?? 128, normaliseUrls: false, wordShape: false, ...layoutOf(config) },
    batch: { firstPosition: firstPositionOf(config), pooling: choice.pooling ?? FOREIGN_POOLING },
    vocabulary: config.vocab_size,
  };
}

/** An encoder's config may carry placeholder labels (LABEL_0, …); they matter only with a head. */
function labelsOrNone(config: EncoderConfig, folder: string): string[] {
  try {
    return readLabels(config, folder).types;
  } catch {
    return [];
  }
}

/** A classifier knows no transitions: its CRF is of zeros, and only BIO2 bars paths. */
function classifier(config: EncoderConfig, folder: string): NonNullable<ModelFolder["head"]> {
  const { types, labels, count } = readLabels(config, join(folder, "config.json"));
  const tags = 2 * types.length + 1;
  const zeros = (size: number): number[] => new Array<number>(size).fill(0);
  const crf = { tags, transitions: zeros(tags * tags), start: zeros(tags), end: zeros(tags) };
  return { crf, temperature: 1, labels, labelCount: count };
}

/** Tables are padded to a round number of rows; one of which half is never used was made for another tokenizer. */
const LEAST_USED = 0.5;

/** Refuses a tokenizer whose ids the embedding table does not have, and one that leaves most of the table unused. */
export function checkTokenizer(model: ModelFolder, tokenizer: SubwordTokenizer): void {
  const rows = model.vocabulary;
  if (rows === undefined || (tokenizer.size <= rows && tokenizer.size >= LEAST_USED * rows)) return;
  throw new Fault("TOKENIZER_MISMATCH", {
    tokenizer: join(model.folder, "tokenizer.json"),
    what: `it gives ids up to ${tokenizer.size - 1}, the embedding table has ${rows} rows`,
  });
}

export interface SavedModels {
  readonly fp32?: Uint8Array | undefined;
  readonly int8?: Uint8Array | undefined;
}

/**
 * Writes a folder that `readFolder` reads: `tagger.json`, the models as `model.onnx` and `model.int8.onnx`, and the
 * base encoder's `config.json`, `tokenizer.json` and `tokenizer_config.json`. The manifest is written by who calls.
 */
export async function writeFolder(
  folder: string,
  about: Omit<z.input<typeof taggerFile>, "schema" | "files">,
  models: SavedModels,
  base: string,
): Promise<void> {
  const names = { fp32: "model.onnx", int8: "model.int8.onnx" } as const;
  const given = (Object.keys(names) as Precision[]).filter((precision) => models[precision] !== undefined);
  const files = Object.fromEntries(given.map((precision) => [precision, names[precision]]));
  const card = taggerFile.parse({ schema: "starling.tagger/1", ...about, files });
  makeFolder(folder);
  for (const precision of given) await writeFile(join(folder, names[precision]), models[precision]!);
  for (const file of ["config.json", "tokenizer.json", "tokenizer_config.json"])
    if (folder !== base && (await exists(join(base, file)))) await copyFile(join(base, file), join(folder, file));
  await writeFile(join(folder, TAGGER_FILE), `${JSON.stringify(card, null, 1)}\n`);
}

/** With a manifest, its name and digest, once the files agree with it; without one, a digest of the files' ends. */
async function versionOf(
  folder: string,
  name: string,
  files: readonly string[],
  depth: FolderChoice["depth"],
): Promise<string> {
  if (await exists(join(folder, manifestFile))) return (await verifyManifest(folder, files, depth)).version;
  const hash = createHash("sha256");
  for (const file of files) hash.update(await ends(join(folder, file)));
  return `${name}-${hash.digest("hex").slice(0, 8)}`;
}
