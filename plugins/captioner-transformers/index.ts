import { existsSync } from "node:fs";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ChildLost,
  captionLimits,
  checkFolders,
  defineStage,
  Fault,
  type Host,
  imageOptions,
  ok,
  openCaptioner,
  openChild,
  pass,
  type Refusal,
  z,
} from "starling-ner";
import { locateLibrary } from "./library.ts";
import type { Shown, Spec } from "./spec.ts";

const options = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe("A folder (./ or / first) in the layout of transformers.js, or a name that stands in the cache"),
  cache: z.string().default("models").describe("Folder that models of the hub are kept in"),
  download: z.boolean().default(false).describe("Fetch a model that the cache does not have from the hub"),
  dtype: z.enum(["fp32", "fp16", "q8", "int8", "uint8", "q4"]).default("q8").describe("Precision of the model's files"),
  device: z.string().default("cpu").describe("Device of ONNX Runtime, such as cuda"),
  maxTokens: z.int().positive().max(500).default(40).describe("Tokens of a caption, at most"),
  answerMs: z.int().positive().default(20_000).describe("A process that took longer is ended, milliseconds"),
  images: imageOptions.prefault({}),
  cacheEntries: z.int().nonnegative().default(10_000).describe("Captions kept for reposts of the same file"),
  ...captionLimits,
});

type Options = z.output<typeof options>;

const isFolder = (model: string): boolean => /^(\.{0,2}[\\/]|[A-Za-z]:[\\/])/.test(model);

/** The entry beside this file: TypeScript in the repository, JavaScript once built. */
const entry = fileURLToPath(new URL(`./child${extname(fileURLToPath(import.meta.url))}`, import.meta.url));

export default defineStage({
  name: "captioner-transformers",
  about: "Captions from a local image-to-text model, by @huggingface/transformers in a child process.",
  uses: ["captions"],
  gives: ["captions"],
  options,
  async check(given, host) {
    const missing = [missingPackage(host), missingModel(given, host)].filter((one) => one !== undefined);
    return [...missing, ...(await checkFolders(given.images.folders, ["images", "folders"], host))];
  },
  async open(given, host) {
    const refused = missingModel(given, host);
    if (refused !== undefined) throw refused.error;
    const { model, answerMs, images, cacheEntries, maxWords, maxChars } = given;
    const spec = specOf(given, host);
    const onLost = (how: string) => host.warn(`the process of ${model} ended and is replaced: ${how}`);
    const child = openChild<Shown, string>({ entry, spec, timeoutMs: answerMs, onLost });
    try {
      await child.ready();
    } catch (error) {
      await child.close();
      const hint = given.download ? "check its name" : "name a folder, or set download: true once";
      throw new Fault("MODEL_FILE_INVALID", { file: model, what: (error as Error).message, hint }, { cause: error });
    }
    const stage = await openCaptioner(
      {
        images,
        cacheEntries,
        maxWords,
        maxChars,
        source: `captioner-transformers/${isFolder(model) ? basename(model) : model}`,
        describe: async ({ bytes, type }, signal) => {
          try {
            return ok(await child.ask({ bytes, type }, signal));
          } catch (error) {
            if (error instanceof ChildLost) return pass("model_lost", true);
            throw error;
          }
        },
      },
      host,
    );
    return { ...stage, close: async () => void (await Promise.all([stage.close?.(), child.close()])) };
  },
});

function specOf({ model, cache, download, dtype, device, maxTokens }: Options, host: Host): Spec {
  const place = isFolder(model) ? host.resolve(model) : model;
  const library = locateLibrary(host.resolve("starling.yaml"));
  return { library, model: place, cache: host.resolve(cache), download, dtype, device, maxTokens };
}

function missingPackage(host: Pick<Host, "resolve">): Refusal | undefined {
  try {
    locateLibrary(host.resolve("starling.yaml"));
    return undefined;
  } catch (error) {
    return { option: [], error: error as Error };
  }
}

function missingModel({ model }: Options, host: Pick<Host, "resolve">): Refusal | undefined {
  if (!isFolder(model) || existsSync(host.resolve(model))) return undefined;
  const hint = "name the folder that holds config.json and the folder onnx";
  return { option: ["model"], error: new Fault("MODEL_FILE_MISSING", { file: host.resolve(model), hint }) };
}
