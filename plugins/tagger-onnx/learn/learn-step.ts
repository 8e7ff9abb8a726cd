import { Fault, type GoldInput, tagsFor } from "starling-ner";
import { type Crf, createWorkspace, type Gradients, lossAndGradient } from "starling-ner/crf";
import { type Batch, toBatch } from "../batch.ts";
import { POSITION_TABLE, SEGMENT_TABLE, SHAPE_TABLE, WORD_TABLE } from "../graph/weights.ts";
import { sumByRow } from "./embedding-rows.ts";
import type { Learner } from "./learner.ts";
import type { TableGradients } from "./optimiser.ts";
import { type Arena, viewOf } from "./parameters.ts";
import { placesOf, putEmissions, takeEmissions, wordPositions } from "./posts.ts";
import { CRF_NAMES } from "./start.ts";
import { dropWords } from "./word-dropout.ts";

const workspace = createWorkspace();

/** One optimiser step: forward, loss, backward, clip, update. Answers the mean loss per post, in nats. */
export async function learnStep(learner: Learner, posts: readonly GoldInput[], number: number): Promise<number> {
  const { step, arenas, options, types } = learner;
  const crf = crfOf(arenas.dense, arenas.dense.weights);
  const packed = posts.map((post) => learner.pack(post));
  const rows = packed.flatMap((post) => post.rows);
  dropWords(rows, { rate: options.wordDropout, unknown: learner.unknown, seed: learner.seed, step: number });
  const batch = toBatch(rows, learner.batching);
  const words = wordPositions(rows);
  const emissions = await step.forward(batch, words, number);
  const seed = new Float32Array(emissions.length);
  const gradients = crfOf(arenas.dense, arenas.dense.gradients);
  for (const scores of [gradients.transitions, gradients.start, gradients.end]) scores.fill(0);
  let loss = 0;
  for (const [i, places] of placesOf(packed, (row, _, word) => row * words.width + word).entries()) {
    const own = takeEmissions(emissions, places, crf);
    const out: Gradients = { ...gradients, emissions: new Float32Array(own.length) };
    const gold = tagsFor(posts[i]!.gold, places.words, types);
    loss += lossAndGradient(crf, own, places.words, gold, out, workspace);
    putEmissions(seed, places, crf, out.emissions, 1 / posts.length);
  }
  for (const scores of [gradients.transitions, gradients.start, gradients.end])
    for (let i = 0; i < scores.length; i++) scores[i] = scores[i]! / posts.length;
  const mean = loss / posts.length;
  refuseNaN(mean, "the loss", number);
  const embedded = await step.backward(seed);
  const tables = options.freezeEmbeddings ? shapeRows(learner, batch, embedded) : tableRows(learner, batch, embedded);
  const norm = learner.optimiser.norm(tables);
  refuseNaN(norm, "the gradient's norm", number);
  learner.optimiser.update(tables, number, norm > options.clip ? options.clip / norm : 1);
  learner.average?.follow(number);
  return mean;
}

/** The CRF's part of one of the arena's arrays, sharing its memory. */
export function crfOf(dense: Arena, array: Float32Array): Crf {
  const part = (name: string) => viewOf(array, dense.parameters.find((p) => p.name === name)!);
  const start = part(CRF_NAMES.start);
  return { tags: start.length, transitions: part(CRF_NAMES.transitions), start, end: part(CRF_NAMES.end) };
}

function refuseNaN(value: number, what: string, number: number): void {
  if (!Number.isFinite(value)) throw new Fault("NOT_A_NUMBER", { what, where: `step ${number}` });
}

function tableRows(learner: Learner, batch: Batch, embedded: Float32Array): TableGradients[] {
  const { ids, positions, segments } = batch;
  const by = (name: string, indices: Int32Array) => rowsOf(learner, batch, embedded, name, indices);
  return [
    ...by(WORD_TABLE, ids),
    ...by(POSITION_TABLE, positions),
    ...by(SEGMENT_TABLE, segments),
    ...shapeRows(learner, batch, embedded),
  ];
}

const shapeRows = (learner: Learner, batch: Batch, embedded: Float32Array) =>
  rowsOf(learner, batch, embedded, SHAPE_TABLE, batch.shapes);

function rowsOf(
  { arenas }: Learner,
  { mask }: Batch,
  embedded: Float32Array,
  name: string,
  indices: Int32Array,
): TableGradients[] {
  const table = arenas.tables.parameters.find((p) => p.name === name);
  if (table === undefined) return [];
  const counted = Uint8Array.from(mask, (score) => (score === 0 ? 1 : 0));
  return [{ table, ...sumByRow(indices, counted, embedded, table.dims[1]!) }];
}
