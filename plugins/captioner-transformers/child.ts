import { basename, dirname, isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { serveParent } from "starling-ner";
import type { Shown, Spec } from "./spec.ts";

/** What is used of @huggingface/transformers, which need not be installed. */
interface Library {
  readonly env: Record<string, unknown>;
  readonly RawImage: { fromBlob(blob: Blob): Promise<unknown> };
  pipeline(task: "image-to-text", model: string, options: object): Promise<Captioner>;
}
type Captioner = (image: unknown, options: { max_new_tokens: number }) => Promise<{ generated_text: string }[]>;

let opened: { library: Library; caption: Captioner; maxTokens: number } | undefined;

serveParent<Spec, Shown, string>({
  async open({ library: file, model, cache, download, dtype, device, maxTokens }) {
    const module = (await import(pathToFileURL(file).href)) as Library & { default?: Library };
    const library = module.default ?? module;
    const inFolder = isAbsolute(model);
    const remote = download && !inFolder;
    Object.assign(library.env, { cacheDir: cache, allowRemoteModels: remote, logLevel: 40 });
    if (inFolder) library.env.localModelPath = dirname(model);
    // Whatever the library may want to look up: there is no network unless the operator allows it.
    if (!remote) library.env.fetch = () => Promise.reject(new Error("no network: download is off"));
    const name = inFolder ? basename(model) : model;
    const caption = await library.pipeline("image-to-text", name, { dtype, device, local_files_only: !remote });
    opened = { library, caption, maxTokens };
  },
  async answer({ bytes, type }) {
    const { library, caption, maxTokens } = opened!;
    const image = await library.RawImage.fromBlob(new Blob([new Uint8Array(bytes)], { type }));
    const [first] = await caption(image, { max_new_tokens: maxTokens });
    return first?.generated_text ?? "";
  },
});
