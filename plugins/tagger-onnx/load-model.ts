import { dirname } from "node:path";
import type { ModelSource } from "./messages.ts";

/** A graph ready for a session: its file, or its bytes. */
export interface LoadedModel {
  readonly graph: string | Uint8Array;
  /** Weights that the graph names but does not hold. */
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[];
  /** What faults name. */
  readonly file: string;
  /** Rows of the embedding table, where known. */
  readonly vocabulary: number | undefined;
}

/** Modules that only some layouts need are loaded when they are, so that opening a saved model stays quick. */
export async function loadModel(source: ModelSource): Promise<LoadedModel> {
  if (source.kind === "hugging-face") return (await import("./build-model.ts")).buildModel(source.folder);
  if (source.pooled) return { graph: source.file, file: source.file, vocabulary: undefined };
  return (await import("./expose-hidden.ts")).exposeHidden(source.file, dirname(source.file));
}
