import { type CheckHost, Fault, type Refusal } from "starling-ner";
import { readFolder } from "./folder.ts";
import { sizeOf } from "./model-files.ts";
import { choiceOf } from "./open-tagger.ts";
import type { Options } from "./options.ts";

/**
 * Whether the folder of `options.model` holds a model that may open: its files are there, those that say what it is can be
 * read, and sizes agree with the manifest. Digests, weights and the tokenizer's contents are left to opening.
 */
export async function checkModel(options: Options, host: CheckHost): Promise<readonly Refusal[]> {
  const folder = host.resolve(options.model);
  try {
    const model = await readFolder(folder, { ...choiceOf(options), depth: "sizes" });
    await sizeOf(folder, "tokenizer.json");
    if (model.head === undefined && host.purpose === "serve") throw new Fault("MODEL_HEAD_MISSING", { folder });
    return [];
  } catch (error) {
    return [{ option: ["model"], error: error as Error }];
  }
}
