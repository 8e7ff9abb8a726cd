/**
 * One training step (forward, loss, gradient, clip, update) of an encoder of MiniLM's shape on posts as in the data:
 * useful GFLOP/s, which is 6 x non-embedding parameters x sub-words / time, over what ONNX Runtime reaches on a bare
 * product of 1024x384 and 384x1536, measured between the steps of the same run.
 */
import { availableParallelism } from "node:os";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { parseEncoderConfig } from "../plugins/tagger-onnx/graph/config.ts";
import { encodeModel } from "../plugins/tagger-onnx/graph/encode.ts";
import { type FloatTensor, Graph } from "../plugins/tagger-onnx/graph/graph.ts";
import { expectedShapes, nonEmbeddingParameters } from "../plugins/tagger-onnx/graph/weights.ts";
import { learnStep } from "../plugins/tagger-onnx/learn/learn-step.ts";
import { createLearner, type Learner } from "../plugins/tagger-onnx/learn/learner.ts";
import { sessionOptions } from "../plugins/tagger-onnx/learn/step.ts";
import type { GoldInput } from "../src/tagger.ts";

interface Options {
  readonly scale: number;
  readonly args: readonly string[];
}

const posts = 16;
/** Words of a post's text, and sub-words of a word in turn: 24 words of 30 sub-words. */
const words = 24;
const pieces = [1, 1, 1, 2];
const cases = [
  { length: 32, wanted: 0.8 },
  { length: 128, wanted: 0.95 },
];
const types = ["PER", "LOC", "ORG", "MISC"];

const config = parseEncoderConfig(
  {
    model_type: "bert",
    vocab_size: 30522,
    hidden_size: 384,
    num_hidden_layers: 6,
    num_attention_heads: 12,
    intermediate_size: 1536,
    max_position_embeddings: 512,
    type_vocab_size: 2,
    hidden_act: "gelu",
  },
  "config.json",
);

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
const uniform = seeded(7);

function randomWeights(): Map<string, FloatTensor> {
  const weights = new Map<string, FloatTensor>();
  for (const [name, { dims, linear }] of expectedShapes(config)) {
    const one = name.endsWith("LayerNorm.weight") ? 1 : 0;
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => one + 0.06 * (uniform() - 0.5));
    weights.set(name, { dims: linear ? dims.toReversed() : dims, data });
  }
  return weights;
}

/** Words are numbers; their sub-words are drawn from the whole vocabulary. */
const tokenizer = {
  special: { cls: 101, sep: 102, pad: 0, unk: 100 },
  size: config.vocabulary,
  tellsNovelty: false,
  encodeWord: (word: string) => ({
    ids: Array.from({ length: pieces[Number(word) % pieces.length]! }, () => 1000 + Math.floor(uniform() * 20_000)),
    shape: 1,
    novelty: "uncounted" as const,
  }),
};

/** [CLS] 30 sub-words [SEP], and where it is longer, the rest as knowledge: `length` sub-words in all. */
function makePosts(length: number): GoldInput[] {
  return Array.from({ length: posts }, () => ({
    words: Array.from({ length: words }, (_, i) => String(i)),
    captions: [],
    knowledge: length > 32 ? Array.from({ length }, () => "0").join(" ") : "",
    gold: [
      { start: 2, end: 4, type: "PER" },
      { start: 11, end: 12, type: "ORG" },
    ],
  }));
}

/** GFLOP/s of the bare product, both factors graph inputs. */
async function openMatMul() {
  const [m, k, n] = [1024, 384, 1536];
  const graph = new Graph();
  graph.op("MatMul", [graph.input("a", "float32", [m, k]), graph.input("b", "float32", [k, n])], { name: "y" });
  const session = await InferenceSession.create(encodeModel(graph, [{ name: "y" }]), sessionOptions(2));
  const filled = (size: number) => Float32Array.from({ length: size }, () => uniform() - 0.5);
  const feeds = { a: new Tensor("float32", filled(m * k), [m, k]), b: new Tensor("float32", filled(k * n), [k, n]) };
  const fetches = { y: new Tensor("float32", new Float32Array(m * n), [m, n]) };
  return async (): Promise<number> => {
    const runs = 10;
    const from = performance.now();
    for (let i = 0; i < runs; i++) await session.run(feeds, fetches);
    return (runs * 2 * m * k * n) / (performance.now() - from) / 1e6;
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function measure(
  learner: Learner,
  length: number,
  parameters: number,
  matmul: () => Promise<number>,
  rounds: number,
) {
  const batch = makePosts(length);
  const flops = 6 * parameters * posts * length;
  let number = 1;
  for (let i = 0; i < 3; i++) await learnStep(learner, batch, number++);
  await matmul();
  const ratios: number[] = [];
  const steps: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const before = await matmul();
    const from = performance.now();
    await learnStep(learner, batch, number++);
    const step = flops / (performance.now() - from) / 1e6;
    const after = await matmul();
    steps.push(step);
    bare.push((before + after) / 2);
    ratios.push((2 * step) / (before + after));
  }
  return { step: median(steps), bare: median(bare), ratio: median(ratios), best: Math.max(...ratios) };
}

export default async function train({ scale }: Options) {
  const weights = randomWeights();
  const parameters = nonEmbeddingParameters(weights);
  const plan = { types, seed: 1, steps: 10_000, options: { threads: 2, maxSubwords: 128 } };
  const learner = await createLearner({ folder: "", config, weights, tokenizer }, plan);
  const matmul = await openMatMul();
  console.log(
    `${(parameters / 1e6).toFixed(2)} M non-embedding parameters, ${availableParallelism()} cores, 2 threads`,
  );
  const figures: Record<string, number> = {};
  let ratio = Number.POSITIVE_INFINITY;
  for (const { length, wanted } of cases) {
    const rounds = Math.max(3, Math.round((length > 32 ? 20 : 60) * scale));
    const found = await measure(learner, length, parameters, matmul, rounds);
    const name = `${posts} x ${length}`;
    console.log(
      `${name}: ${found.step.toFixed(0)} useful GFLOP/s, bare MatMul ${found.bare.toFixed(0)}; ` +
        `ratio ${found.ratio.toFixed(2)} (best ${found.best.toFixed(2)}), wanted ${wanted}`,
    );
    figures[`at${length}`] = Number(found.ratio.toFixed(3));
    ratio = Math.min(ratio, found.ratio / wanted);
  }
  await learner.step.close();
  await learner.optimiser.close();
  return { bench: "train", ...figures, ratio };
}
