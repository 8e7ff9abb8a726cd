import { InferenceSession, Tensor } from "onnxruntime-node";
import { fail, type Outcome, ok, type Tagged, type TagInput } from "starling-ner";
import { type Crf, createWorkspace, decode } from "starling-ner/crf";
import { type Batch, toBatch } from "../batch.ts";
import { encodeModel } from "../graph/encode.ts";
import { declareInputs, EMISSIONS, POOLED, recordEncoder } from "../graph/encoder.ts";
import { Graph } from "../graph/graph.ts";
import type { PackedPost } from "../input.ts";
import { normalise } from "../pool-feature.ts";
import { crfOf } from "./learn-step.ts";
import type { Learner } from "./learner.ts";
import { placesOf, takeEmissions } from "./posts.ts";
import { slicesOf } from "./slices.ts";
import { isCrf } from "./start.ts";
import { feedsOf, only, sessionOptions, tensorsOf } from "./step.ts";
import { trainingParts } from "./training-parts.ts";

/** What the encoder says of one post with the weights as they stand. */
export interface Read {
  readonly packed: PackedPost;
  /** [words × K] */
  readonly emissions: Float32Array;
  /** [D], of length 1. */
  readonly pooled: Float32Array;
}

/** Reads posts without dropout. */
export interface Reader {
  read(inputs: readonly TagInput[], signal: AbortSignal): Promise<Read[]>;
  close(): Promise<void>;
}

/** Posts of one run: enough to fill the threads, few enough to stay in the cache. */
const rowsOfRun = 16;

export async function openReader(learner: Learner): Promise<Reader> {
  const { served, config, options, threads } = learner;
  const graph = new Graph();
  const parts = trainingParts((_, x) => x);
  const encoder = { head: true, pooled: true, wordShape: options.wordShape, parts };
  declareInputs(graph, encoder);
  const weights: Record<string, Tensor> = {};
  for (const arena of [served.tables, served.dense]) {
    const slices = slicesOf(
      config,
      arena.parameters.filter(({ name }) => !isCrf(name)),
    );
    for (const { name, dims } of slices) graph.input(name, "float32", dims);
    Object.assign(weights, tensorsOf(arena.weights, slices));
  }
  recordEncoder(graph, config, encoder);
  const model = encodeModel(graph, [{ name: EMISSIONS }, { name: POOLED }]);
  const session = await InferenceSession.create(model, sessionOptions(threads));
  const run = async (batch: Batch) => {
    const pool = new Tensor("float32", batch.pool, [batch.rows, 1, batch.length]);
    return session.run(only({ ...feedsOf(batch), pool, ...weights }, session));
  };
  return {
    async read(inputs, signal) {
      const packed = inputs.map((input) => learner.pack(input));
      const reads = new Array<Read>(inputs.length);
      for (const group of groupsOf(packed)) {
        signal.throwIfAborted();
        await readGroup(learner, group, packed, run, reads);
      }
      return reads;
    },
    close: () => session.release(),
  };
}

/** Indices of posts in order of their length, so that little is padding, in groups of about `rowsOfRun` rows. */
function groupsOf(packed: readonly PackedPost[]): number[][] {
  const longest = packed.map(({ rows }) => rows.reduce((most, { ids }) => Math.max(most, ids.length), 0));
  const order = [...packed.keys()].sort((a, b) => longest[a]! - longest[b]!);
  const groups: number[][] = [];
  for (let at = 0; at < order.length; at += rowsOfRun) groups.push(order.slice(at, at + rowsOfRun));
  return groups;
}

async function readGroup(
  learner: Learner,
  group: readonly number[],
  packed: readonly PackedPost[],
  run: (batch: Batch) => Promise<InferenceSession.ReturnType>,
  reads: Read[],
): Promise<void> {
  const posts = group.map((i) => packed[i]!);
  const batch = toBatch(
    posts.flatMap(({ rows }) => rows),
    learner.batching,
  );
  const outputs = await run(batch);
  const emissions = outputs[EMISSIONS]!.data as Float32Array;
  const pooled = outputs[POOLED]!.data as Float32Array;
  const crf = crfOf(learner.served.dense, learner.served.dense.weights);
  const places = placesOf(posts, (row, { first }, word) => row * batch.length + first[word]!);
  let row = 0;
  for (const [k, i] of group.entries()) {
    const post = posts[k]!;
    const vector = joinRows(post, pooled, row, learner.config.hidden);
    reads[i] = { packed: post, emissions: takeEmissions(emissions, places[k]!, crf), pooled: vector };
    row += post.rows.length;
  }
}

/** The rows' features weighed by their length, as in service. */
function joinRows({ rows }: PackedPost, pooled: Float32Array, from: number, width: number): Float32Array {
  const sum = new Float32Array(width);
  for (const [i, { textLength }] of rows.entries()) {
    const weight = rows.length === 1 ? 1 : textLength;
    for (let d = 0; d < width; d++) sum[d] = sum[d]! + weight * pooled[(from + i) * width + d]!;
  }
  return rows.length === 1 ? sum : normalise(sum);
}

/** Decodes what was read; `model` names the weights. A post whose scores are not finite fails alone. */
export function decodeAll(
  reads: readonly Read[],
  crf: Crf,
  types: readonly string[],
  temperature: number,
  model: string,
): Outcome<Tagged>[] {
  const workspace = createWorkspace();
  return reads.map(({ packed, emissions, pooled }) => {
    try {
      const { mentions, expected } = decode(crf, emissions, emissions.length / crf.tags, temperature, workspace);
      const named = mentions.map(({ start, end, type, confidence }) => ({
        start,
        end,
        type: types[type]!,
        confidence,
      }));
      const { context } = packed;
      return ok({
        tagging: { mentions: named, expected, context, model },
        feature: { vector: pooled, of: context, model },
      });
    } catch (error) {
      return fail(error instanceof Error ? error : new Error(String(error)));
    }
  });
}
