/**
 * The tagger inside a pipeline (posts from a file, words, sub-words, encoder, CRF, events to a file) against the best
 * bare ONNX Runtime on the same posts and cores: ready tensors, sorted by length, over batch sizes and layouts of
 * processes and threads. `ratio` is posts per second over posts per second; 0.92 is wanted.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { readFolder } from "../plugins/tagger-onnx/folder.ts";
import { packInput } from "../plugins/tagger-onnx/input.ts";
import { readTokenizer } from "../plugins/tagger-onnx/tokenizer.ts";
import { parseConfigText } from "../src/config/index.ts";
import { runPipeline } from "../src/flow/run.ts";
import { openPipeline } from "../src/open.ts";
import { planConfig } from "../src/plan.ts";
import { splitWords } from "../src/tokens/index.ts";
import { type BareLayout, openBare } from "./support/bare.ts";
import { benchModel, NO_MODEL } from "./support/model.ts";
import { benchPosts, median } from "./support/posts.ts";

interface Options {
  readonly scale: number;
  readonly args: readonly string[];
}

const PASSES = 4;
const cores = availableParallelism();
const layouts: BareLayout[] = [
  { processes: 1, threads: 1 },
  { processes: 1, threads: cores },
  { processes: cores, threads: 1 },
].flatMap((layout) => [1, 8, 32].map((batch) => ({ ...layout, batch })));

/** The stages of config/default.yaml. */
async function openBenchPipeline(model: string, precision: string, folder: string) {
  const config = {
    window: 512,
    source: { use: "source-file", options: { path: join(folder, "posts.ndjson") } },
    resources: { tagger: { use: "tagger-onnx", options: { model, precision } } },
    stages: [
      { use: "draft", batch: 32, waitMs: 5, concurrency: 12 },
      { use: "final", batch: 32, waitMs: 5, concurrency: 4 },
    ],
    sink: { use: "sink-file", options: { path: join(folder, "events.ndjson") } },
    deadLetters: { use: "sink-file", options: { path: join(folder, "letters.ndjson") } },
  };
  const plan = await planConfig(parseConfigText(JSON.stringify(config), "bench encoder", {}), { toRun: true });
  return openPipeline(plan);
}

async function packAll(model: string, precision: "fp32" | "int8", texts: readonly string[]) {
  const folder = await readFolder(model, { precisions: [precision] });
  const tokenizer = await readTokenizer(model);
  const rows = texts.flatMap((text) => {
    const words = splitWords(text).map((word) => word.text);
    return packInput({ words, captions: [], knowledge: "" }, tokenizer, folder.input).rows;
  });
  return { rows, file: folder.source.kind === "onnx" ? folder.source.file : "" };
}

export default async function encoder({ scale, args }: Options): Promise<Record<string, unknown>> {
  const model = await benchModel(args);
  if (model === undefined) return { bench: "encoder", ratio: null, skipped: NO_MODEL };
  const precision = args.includes("fp32") ? "fp32" : "int8";
  const { of, texts } = await benchPosts(Math.ceil(2892 * scale));
  const folder = await mkdtemp(join(tmpdir(), "starling-bench-"));
  const posts = texts.map((text, i) => JSON.stringify({ schema: "starling.post/1", id: `post-${i}`, text }));
  const pass = `${posts.join("\n")}\n`;
  // A stream is long: the pipeline reads the posts several times over, so that its first and last batches weigh little.
  await writeFile(join(folder, "posts.ndjson"), pass.repeat(PASSES));
  const { rows, file } = await packAll(model, precision, texts);
  console.log(`${texts.length} posts (${of}), ${precision}, ${cores} cores`);
  const bare = await Promise.all(layouts.map((layout) => openBare(file, rows, layout)));
  const bares = bare.map(() => [] as number[]);
  const pipeline = await openBenchPipeline(model, precision, folder);
  const inside: number[] = [];
  const mainMs: number[] = [];
  /** Posts per second from the first read to the last event. */
  const timePipeline = async () => {
    const [from, cpu] = [performance.now(), process.cpuUsage()];
    const { emitted } = await runPipeline(pipeline, { signal: new AbortController().signal });
    if (emitted !== PASSES * texts.length) throw new Error(`${emitted} events of ${PASSES * texts.length} posts`);
    const { user, system } = process.cpuUsage(cpu);
    mainMs.push((user + system) / 1000 / emitted);
    inside.push((emitted / (performance.now() - from)) * 1000);
  };
  for (let round = 0; round <= Math.max(3, Math.round(5 * scale)); round++) {
    for (const [i, runner] of bare.entries()) bares[i]!.push(await runner.pass());
    await timePipeline();
    // The first round warms up, on both sides.
    if (round === 0) for (const measured of [...bares, inside, mainMs]) measured.length = 0;
  }
  await pipeline.close();
  for (const runner of bare) runner.close();
  await rm(folder, { recursive: true });
  const medians = bares.map(median);
  const best = medians.indexOf(Math.max(...medians));
  for (const [i, { name }] of bare.entries()) console.log(`bare, ${name}: ${medians[i]!.toFixed(0)} posts/s`);
  console.log(`pipeline: ${median(inside).toFixed(0)} posts/s; best bare: ${bare[best]!.name}`);
  console.log(`the main process: ${median(mainMs).toFixed(3)} ms of CPU time a post`);
  return {
    bench: "encoder",
    ratio: median(inside) / medians[best]!,
    wanted: 0.92,
    postsPerSecond: median(inside),
    bare: Object.fromEntries(bare.map(({ name }, i) => [name, medians[i]!])),
    best: bare[best]!.name,
    mainMsPerPost: median(mainMs),
  };
}
