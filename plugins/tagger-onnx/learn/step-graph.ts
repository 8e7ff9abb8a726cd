import type { EncoderConfig } from "../graph/config.ts";
import { differentiate } from "../graph/differentiate.ts";
import { encodeModel } from "../graph/encode.ts";
import { declareInputs, EMBEDDED, EMISSIONS, recordEncoder } from "../graph/encoder.ts";
import { Graph } from "../graph/graph.ts";
import { type Saved, splitGraph } from "../graph/split.ts";
import { type DropoutSite, recordDropout } from "./dropout.ts";
import type { Slice } from "./slices.ts";
import { trainingParts } from "./training-parts.ts";

/** Input of the backward model: dL/demissions, [B, W, K]. */
export const SEED = "seed";

export interface StepGraph {
  /** Gives `emissions` and `saved`. */
  readonly forward: Uint8Array;
  /** Reads `saved` and `SEED`; gives the gradients. */
  readonly backward: Uint8Array;
  readonly saved: readonly Saved[];
  /** Output of the backward model for each dense parameter, and for the embedding sum under `EMBEDDED`. */
  readonly gradients: ReadonlyMap<string, string>;
  readonly sites: readonly DropoutSite[];
}

export interface StepOptions {
  readonly config: EncoderConfig;
  readonly wordShape: boolean;
  readonly dropout: number;
  readonly attentionDropout: number;
  /** Tables: their gradients follow from that of the embedding sum, by row. */
  readonly tables: readonly Slice[];
  readonly dense: readonly Slice[];
  readonly freezeEmbeddings: boolean;
}

/**
 * One training step as two models with every weight an input: forward, and backward from dL/demissions. They are two
 * because the loss between them is the core's; what the backward pass needs of the forward pass is handed over, so that
 * nothing is computed twice.
 */
export function buildStep(options: StepOptions): StepGraph {
  const { config, wordShape, tables, dense } = options;
  const graph = new Graph();
  const sites: DropoutSite[] = [];
  const drop = recordDropout(sites, { hidden: options.dropout, attention: options.attentionDropout });
  const parts = trainingParts(drop);
  const encoder = { head: true, pooled: false, wordShape, wordsOnly: true, parts };
  declareInputs(graph, encoder);
  for (const { name, dims } of [...tables, ...dense]) graph.input(name, "float32", dims);
  recordEncoder(graph, config, encoder);
  const at = graph.nodes.length;
  graph.input(SEED, "float32", graph.shape(EMISSIONS));
  const wanted = [...dense.map(({ name }) => name), EMBEDDED];
  const found = differentiate(graph, new Map([[EMISSIONS, SEED]]), wanted, parts.blocks);
  const gradients = new Map(wanted.map((name) => [name, found.get(name)!]));
  const { second, saved } = splitGraph(graph, at);
  return {
    forward: encodeModel(graph, [{ name: EMISSIONS }, ...saved]),
    backward: encodeModel(
      second,
      [...gradients.values()].map((name) => ({ name })),
    ),
    saved,
    gradients,
    sites,
  };
}
