/**
 * Words per second of `decode`: Viterbi, marginals and exact-span confidences, 9 tags, one thread.
 * Posts have the lengths of tweets; emissions are sure of themselves about as often as a trained model's.
 */
import { createCrf, createWorkspace, decode } from "../src/crf/index.ts";

const required = 500_000;
const tags = 9;

interface Options {
  readonly scale: number;
  readonly args: readonly string[];
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function makePosts(count: number, uniform: () => number) {
  return Array.from({ length: count }, () => {
    const steps = 4 + Math.floor(uniform() * 25);
    const emissions = Float32Array.from({ length: steps * tags }, () => 4 * uniform() - 2);
    for (let i = 0; i < steps; i++) {
      const tag = uniform() < 0.8 ? 0 : 1 + Math.floor(uniform() * 8);
      emissions[i * tags + tag] = emissions[i * tags + tag]! + 6;
    }
    return { emissions, steps };
  });
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

export default async function crf({ scale }: Options) {
  const uniform = seeded(7);
  const model = createCrf(4);
  for (const array of [model.transitions, model.start, model.end])
    array.forEach((_, i) => {
      array[i] = 2 * uniform() - 1;
    });
  const posts = makePosts(2000, uniform);
  const words = posts.reduce((sum, { steps }) => sum + steps, 0);
  const workspace = createWorkspace();
  let mentions = 0;
  // Time of this thread alone: what other processes take of the core is not the CRF's.
  const seconds = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1e6;
  };
  const pass = (): number => {
    const from = seconds();
    for (const { emissions, steps } of posts)
      mentions += decode(model, emissions, steps, 1.3, workspace).mentions.length;
    return words / (seconds() - from);
  };
  for (let i = 0; i < 5; i++) pass();
  const rates = Array.from({ length: Math.max(5, Math.round(40 * scale)) }, pass);
  const wordsPerSecond = Math.round(median(rates));
  console.log(
    `${posts.length} posts, ${words} words, ${mentions} mentions in all passes; ${tags} tags, one thread, its own CPU time`,
  );
  console.log(
    `${wordsPerSecond.toLocaleString("en")} words per second; at least ${required.toLocaleString("en")} wanted`,
  );
  return { bench: "crf", wordsPerSecond, ratio: wordsPerSecond / required };
}
