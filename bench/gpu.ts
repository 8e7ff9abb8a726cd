/**
 * The tagger on a GPU: emissions against the CPU's, and posts per second at the shape of XLM-RoBERTa-large (random
 * weights), through its queue and child process with the batch it measures at opening, against bare ONNX Runtime with the
 * best of several batches. Needs a runtime with CUDA: `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node`; skips
 * with a reason elsewhere. `--provider NAME` for another, `--processes N` for more sessions on the device.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { listSupportedBackends } from "onnxruntime-node";
import { toBatch } from "../plugins/tagger-onnx/batch.ts";
import { feedsOf } from "../plugins/tagger-onnx/feeds.ts";
import type { PackedInput } from "../plugins/tagger-onnx/input.ts";
import { loadModel } from "../plugins/tagger-onnx/load-model.ts";
import type { EngineSpec, Ready } from "../plugins/tagger-onnx/messages.ts";
import { openPool } from "../plugins/tagger-onnx/pool.ts";
import { childEntry } from "../plugins/tagger-onnx/process.ts";
import { sessionOptions } from "../plugins/tagger-onnx/provider.ts";
import { create } from "../plugins/tagger-onnx/session.ts";
import { writeLargeModel } from "./support/large-model.ts";
import { median } from "./support/posts.ts";

interface Options {
  readonly scale: number;
  readonly args: readonly string[];
}

interface Size {
  readonly scale: number;
  readonly processes: number;
  /** 24 in XLM-RoBERTa-large. */
  readonly layers: number;
}

const types = 4;
const tags = 2 * types + 1;
const length = 32;
/** Of XLM-RoBERTa. */
const vocabulary = 250_002;

const rowOf = (seed: number, vocabulary: number): PackedInput => {
  const words = { start: 0, end: length - 2 };
  return {
    ids: Int32Array.from({ length }, (_, i) => 5 + ((seed * 7919 + i * 104_729) % (vocabulary - 5))),
    segments: new Int32Array(length),
    shapes: new Int32Array(length),
    first: Int32Array.from({ length: length - 2 }, (_, i) => i + 1),
    textLength: length - 2,
    words,
    keep: words,
  };
};

function specOf(folder: string, provider: string, { processes = 1 } = {}): EngineSpec {
  const zeros = (size: number) => new Array<number>(size).fill(0);
  return {
    source: { kind: "hugging-face", folder },
    layout: { providers: [provider], fallback: false, processes, threads: 4, batch: undefined },
    crf: { tags, transitions: zeros(tags * tags), start: zeros(tags), end: zeros(tags) },
    temperature: 1,
    labels: undefined,
    labelCount: tags,
    pad: 1,
    firstPosition: 2,
    pooling: "mean",
  };
}

const skip = (reason: string) => {
  console.log(`skipped: ${reason}`);
  return { bench: "gpu", ratio: null, skipped: reason };
};

export default async function gpu({ scale, args }: Options): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      provider: { type: "string", default: "cuda" },
      processes: { type: "string", default: "1" },
      layers: { type: "string", default: "24" },
    },
  });
  const { provider } = values;
  if (!listSupportedBackends().some(({ name }) => name === provider))
    return skip(`this runtime has no ${provider}; rebuild it with ONNXRUNTIME_NODE_INSTALL=cuda12`);
  const folder = await mkdtemp(join(tmpdir(), "starling-gpu-"));
  try {
    const small = join(folder, "small");
    await writeLargeModel(small, { layers: 2, vocabulary: 1000, labels: tags });
    const refusal = await refusalOf(small, provider);
    if (refusal !== undefined) return skip(`no ${provider} device answers: ${refusal}`);
    const parity = await largestDifference(small, 1000, provider);
    console.log(`emissions differ from the CPU's by at most ${parity.toExponential(1)}`);
    const size = { scale, processes: Number(values.processes), layers: Number(values.layers) };
    return { bench: "gpu", ...(await measure(join(folder, "large"), provider, size)), parity };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function refusalOf(folder: string, provider: string): Promise<string | undefined> {
  const { source, layout } = specOf(folder, provider);
  try {
    const session = await create(await loadModel(source), sessionOptions(provider, layout));
    await session.release();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.split("\n")[0]! : String(error);
  }
}

async function measure(large: string, provider: string, { scale, processes, layers }: Size) {
  await writeLargeModel(large, { layers, vocabulary, labels: tags });
  const rows = Array.from({ length: 256 * Math.max(2, Math.round(16 * scale)) }, (_, i) => rowOf(i, vocabulary));
  const bare = await bareRates(specOf(large, provider), rows);
  const theirs = Math.max(...bare.values());
  for (const [batch, rate] of bare) console.log(`bare, batches of ${batch} x ${length}: ${rate.toFixed(0)} posts/s`);
  const { ready, rate } = await taggerRate(specOf(large, provider, { processes }), rows);
  const { nodes, fellBack, batch } = ready;
  console.log(`${nodes} nodes, ${fellBack} on the CPU; batches of ${batch}, ${processes} process(es)`);
  console.log(`XLM-RoBERTa-large: ${rate.toFixed(0)} posts/s, the best bare ${theirs.toFixed(0)}`);
  const given = { provider, processes, layers, nodes, fellBack, batch };
  return { ratio: rate / theirs, ...given, postsPerSecond: rate, bare: Object.fromEntries(bare) };
}

/** Median of posts per second over rounds, the first of which warms up. */
async function rateOf(posts: number, work: () => Promise<unknown>): Promise<number> {
  const rates: number[] = [];
  for (let round = 0; round < 4; round++) {
    const from = performance.now();
    await work();
    if (round > 0) rates.push((posts / (performance.now() - from)) * 1000);
  }
  return median(rates);
}

async function bareRates(spec: EngineSpec, rows: readonly PackedInput[]): Promise<Map<number, number>> {
  const session = await create(await loadModel(spec.source), sessionOptions(spec.layout.providers[0]!, spec.layout));
  const rates = new Map<number, number>();
  for (const batch of [32, 64, 128, 256]) {
    const feeds = Array.from({ length: rows.length / batch }, (_, i) =>
      feedsOf(session, toBatch(rows.slice(i * batch, (i + 1) * batch), spec)),
    );
    const work = async () => {
      for (const feed of feeds) await session.run(feed);
    };
    rates.set(batch, await rateOf(rows.length, work));
  }
  await session.release();
  return rates;
}

/** As a stage asks: batches of 32, in all as many posts as the window of the default config lets in. */
const [CALL, CALLERS] = [32, 16];

async function taggerRate(spec: EngineSpec, rows: readonly PackedInput[]): Promise<{ ready: Ready; rate: number }> {
  const { processes } = spec.layout;
  const pool = await openPool({ entry: childEntry, spec, processes, timeoutMs: 60_000, model: "large" });
  const works = rows.map((row) => ({ rows: [row], words: length - 2, vector: true }));
  try {
    const signal = new AbortController().signal;
    const rate = await rateOf(rows.length, async () => {
      const calls = Array.from({ length: works.length / CALL }, (_, i) => works.slice(i * CALL, (i + 1) * CALL));
      const caller = async () => {
        for (let some = calls.shift(); some; some = calls.shift()) {
          const outcomes = await pool.run(some, signal);
          if (outcomes.some(({ kind }) => kind !== "ok")) throw new Error("a post was not answered");
        }
      };
      await Promise.all(Array.from({ length: CALLERS }, caller));
    });
    return { ready: pool.ready, rate };
  } finally {
    await pool.close();
  }
}

async function largestDifference(folder: string, rows: number, provider: string): Promise<number> {
  const batch = toBatch([rowOf(1, rows), rowOf(2, rows)], specOf(folder, "cpu"));
  const emissions = await Promise.all(
    ["cpu", provider].map(async (one) => {
      const { source, layout } = specOf(folder, one);
      const session = await create(await loadModel(source), sessionOptions(one, layout));
      return (await session.run(feedsOf(session, batch))).emissions!.data as Float32Array;
    }),
  );
  return emissions[0]!.reduce((most, value, i) => Math.max(most, Math.abs(value - emissions[1]![i]!)), 0);
}
