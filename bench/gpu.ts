/**
 * The tagger on a GPU: emissions against the CPU's, and posts per second at the shape of XLM-RoBERTa-large (random
 * weights) against bare ONNX Runtime with the same batches. Needs a runtime with CUDA:
 * `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node`; skips with a reason elsewhere.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listSupportedBackends } from "onnxruntime-node";
import { toBatch } from "../plugins/tagger-onnx/batch.ts";
import { openEngine } from "../plugins/tagger-onnx/engine.ts";
import { feedsOf } from "../plugins/tagger-onnx/feeds.ts";
import type { PackedInput } from "../plugins/tagger-onnx/input.ts";
import { loadModel } from "../plugins/tagger-onnx/load-model.ts";
import type { EngineSpec } from "../plugins/tagger-onnx/messages.ts";
import { sessionOptions } from "../plugins/tagger-onnx/provider.ts";
import { create } from "../plugins/tagger-onnx/session.ts";
import { writeLargeModel } from "./support/large-model.ts";
import { median } from "./support/posts.ts";

interface Options {
  readonly scale: number;
  readonly args: readonly string[];
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

function specOf(folder: string, provider: string, batch: number): EngineSpec {
  const zeros = (size: number) => new Array<number>(size).fill(0);
  return {
    source: { kind: "hugging-face", folder },
    layout: { providers: [provider], fallback: false, processes: 1, threads: 4, batch },
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
  const asked = args.indexOf("--provider");
  const provider = asked >= 0 ? args[asked + 1]! : "cuda";
  if (!listSupportedBackends().some(({ name }) => name === provider))
    return skip(`this runtime has no ${provider}; rebuild it with ONNXRUNTIME_NODE_INSTALL=cuda12`);
  const folder = await mkdtemp(join(tmpdir(), "starling-gpu-"));
  try {
    return await measure(folder, provider, scale);
  } catch (error) {
    return skip(
      `no ${provider} device answers: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measure(folder: string, provider: string, scale: number): Promise<Record<string, unknown>> {
  const small = join(folder, "small");
  await writeLargeModel(small, { layers: 2, vocabulary: 1000, labels: tags });
  const parity = await largestDifference(small, 1000, provider);
  console.log(`emissions differ from the CPU's by at most ${parity.toExponential(1)}`);
  const large = join(folder, "large");
  await writeLargeModel(large, { layers: 24, vocabulary, labels: tags });
  const batch = 64;
  const rows = Array.from({ length: batch * Math.max(4, Math.round(32 * scale)) }, (_, i) => rowOf(i, vocabulary));
  const spec = specOf(large, provider, batch);
  const engine = await openEngine(spec);
  const session = await create(await loadModel(spec.source), sessionOptions(provider, spec.layout));
  const feeds = Array.from({ length: rows.length / batch }, (_, i) =>
    feedsOf(session, toBatch(rows.slice(i * batch, (i + 1) * batch), spec)),
  );
  const posts = rows.map((row) => ({ rows: [row], words: length - 2 }));
  const [inside, bare]: [number[], number[]] = [[], []];
  const rate = async (work: () => Promise<unknown>) => {
    const from = performance.now();
    await work();
    return (rows.length / (performance.now() - from)) * 1000;
  };
  for (let round = 0; round < 4; round++) {
    const times = [
      await rate(() => engine.answer(posts)),
      await rate(async () => {
        for (const feed of feeds) await session.run(feed);
      }),
    ];
    if (round === 0) continue;
    inside.push(times[0]!);
    bare.push(times[1]!);
  }
  const { nodes, fellBack } = engine.ready;
  await engine.close();
  const [ours, theirs] = [median(inside), median(bare)];
  console.log(`${nodes} nodes, ${fellBack} on the CPU`);
  console.log(
    `XLM-RoBERTa-large, batches of ${batch} x ${length}: ${ours.toFixed(0)} posts/s, bare ${theirs.toFixed(0)}`,
  );
  return { bench: "gpu", ratio: ours / theirs, provider, parity, nodes, fellBack, postsPerSecond: ours, bare: theirs };
}

async function largestDifference(folder: string, rows: number, provider: string): Promise<number> {
  const batch = toBatch([rowOf(1, rows), rowOf(2, rows)], specOf(folder, "cpu", 2));
  const emissions = await Promise.all(
    ["cpu", provider].map(async (one) => {
      const { source, layout } = specOf(folder, one, 2);
      const session = await create(await loadModel(source), sessionOptions(one, layout));
      return (await session.run(feedsOf(session, batch))).emissions!.data as Float32Array;
    }),
  );
  return emissions[0]!.reduce((most, value, i) => Math.max(most, Math.abs(value - emissions[1]![i]!)), 0);
}
