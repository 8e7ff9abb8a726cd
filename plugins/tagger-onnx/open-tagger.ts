import { availableParallelism } from "node:os";
import {
  Fault,
  fail,
  type Host,
  joiningSigns,
  type ModelInfo,
  mapOk,
  type Outcome,
  readProfile,
  readVocabulary,
  type Tagged,
  type Tagger,
  type TaggerLearner,
  type Tagging,
  type TagInput,
  type Vocabulary,
} from "starling-ner";
import { checkTokenizer, type FolderChoice, type ModelFolder, readFolder } from "./folder.ts";
import { type PackedPost, packInput } from "./input.ts";
import type { Answer, EngineSpec, Ready } from "./messages.ts";
import type { Options } from "./options.ts";
import { openPool, type Pool } from "./pool.ts";
import { childEntry } from "./process.ts";
import { chooseLayout, isCpu } from "./provider.ts";
import { readTokenizer, type SubwordTokenizer } from "./tokenizer.ts";

export interface OpenTagger extends Tagger {
  /** Ids of the processes that hold the model. */
  readonly pids: readonly number[];
  readonly ready: Ready | undefined;
  close(): Promise<void>;
}

/** Opens the folder of `options.model`. `entry` is the module of a child process, given by tests. */
export async function openTagger(options: Options, host: Host, entry: string = childEntry): Promise<OpenTagger> {
  const folder = host.resolve(options.model);
  const model = await readFolder(folder, choiceOf(options));
  const tokenizer = await readTokenizer(folder, await trainedWords(folder));
  checkTokenizer(model, tokenizer);
  const learner = learnerOf(folder, options);
  if (model.head === undefined) {
    if (host.purpose !== "train") throw new Fault("MODEL_HEAD_MISSING", { folder });
    return untrained(model, learner);
  }
  const spec = specOf(model, model.head, tokenizer, options);
  const onLost = (how: string) => {
    host.count("processes_lost");
    host.warn("a process of the tagger was lost and replaced", { model: model.version, how });
  };
  const onRuns = (runs: readonly number[]) => measureRuns(runs, host);
  const { timeoutMs } = options;
  const { processes } = spec.layout;
  const pool = await openPool({ entry, spec, processes, timeoutMs, model: model.version, onLost, onRuns });
  logLayout(host, model, spec, pool.ready);
  return trained({ model, tokenizer, pool, host, learner });
}

/** The words of the training data, where the model has its reference profile. */
async function trainedWords(folder: string): Promise<Vocabulary | undefined> {
  const profile = await readProfile(folder);
  return profile && readVocabulary(profile.vocabulary);
}

export function choiceOf({ precision, provider, maxSubwords, pooling }: Options): FolderChoice {
  const first = typeof provider === "string" ? provider : provider[0]!;
  const automatic = isCpu(first) ? (["int8", "fp32"] as const) : (["fp32", "int8"] as const);
  return { precisions: precision === "auto" ? automatic : [precision], maxSubwords, pooling };
}

function specOf(
  model: ModelFolder,
  head: NonNullable<ModelFolder["head"]>,
  tokenizer: SubwordTokenizer,
  options: Options,
): EngineSpec {
  const layout = chooseLayout(options, model.bytes, mixesRows(model));
  return { source: model.source, layout, ...head, pad: tokenizer.special.pad, ...model.batch };
}

/** Only our own int8 models are known to quantise each row alike whatever runs beside it. */
const mixesRows = ({ precision, source }: ModelFolder): boolean =>
  precision === "int8" && !(source.kind === "onnx" && source.pooled);

function logLayout(host: Host, model: ModelFolder, { layout }: EngineSpec, ready: Ready): void {
  const { processes, threads, providers } = layout;
  const { batch, provider, fellBack, nodes } = ready;
  const { version, precision } = model;
  host.log("tagger opened", { version, precision, provider, processes, threads, batch, cores: availableParallelism() });
  if (provider !== providers[0]) host.warn(`provider ${providers[0]} is not in use; ${provider} is`, { version });
  if (fellBack) host.log("nodes run on the CPU instead", { provider, fellBack, nodes });
}

interface Parts {
  readonly model: ModelFolder;
  readonly tokenizer: SubwordTokenizer;
  readonly pool: Pool;
  readonly host: Host;
  readonly learner: TaggerLearner;
}

function trained({ model, tokenizer, pool, host, learner }: Parts): OpenTagger {
  const ask = async <T>(
    inputs: readonly TagInput[],
    signal: AbortSignal,
    vector: boolean,
    read: (answer: Answer, packed: PackedPost, model: ModelFolder) => T,
  ): Promise<Outcome<T>[]> => {
    const packed = inputs.map((input) => packInput(input, tokenizer, model.input));
    countCuts(packed, host);
    const works = packed.map(({ rows }, index) => ({ rows, words: inputs[index]!.words.length, vector }));
    const outcomes = await pool.run(works, signal);
    return outcomes.map((outcome, index) => mapOk(outcome, (answer) => read(answer, packed[index]!, model)));
  };
  const apart: Pick<Tagger, "tag" | "taggings"> = {
    tag: (inputs, signal) => ask(inputs, signal, true, toTagged),
    taggings: (inputs, signal) => ask(inputs, signal, false, toTagging),
  };
  return {
    model: infoOf(model, pool.ready.provider),
    learner,
    ready: pool.ready,
    get pids() {
      return pool.pids;
    },
    ...(model.input.signs === "joined" ? joiningSigns(apart) : apart),
    close: () => pool.close(),
  };
}

const toTagged = (answer: Answer, packed: PackedPost, model: ModelFolder): Tagged => ({
  tagging: toTagging(answer, packed, model),
  feature: { vector: answer.vector!, of: packed.context, model: model.version },
});

function toTagging(answer: Answer, { context, novelty }: PackedPost, { version: model, types }: ModelFolder): Tagging {
  const mentions = answer.mentions.map(({ start, end, type, confidence }) => ({
    start,
    end,
    type: types[type]!,
    confidence,
  }));
  return { mentions, expected: answer.expected, ...(novelty && { novelty }), context, model };
}

/** What was left out is never silent: `<plugin>_cut_<what>_total`, in sub-words, and posts read in windows. */
function countCuts(packed: readonly PackedPost[], host: Host): void {
  const total = { captions: 0, knowledge: 0, words: 0, windows: 0 };
  for (const { rows, cut } of packed) {
    total.captions += cut.captions;
    total.knowledge += cut.knowledge;
    total.words += cut.words;
    if (rows.length > 1) total.windows += rows.length;
  }
  const { windows, ...cuts } = total;
  for (const [kind, subwords] of Object.entries(cuts)) {
    if (subwords === 0) continue;
    host.count(`cut_${kind}`, subwords);
    host.measure("ner_encoder_truncated_total", subwords, { kind });
  }
  if (windows > 0) host.count("windows", windows);
}

function measureRuns(runs: readonly number[], host: Host): void {
  let [tokens, padding] = [0, 0];
  for (let at = 0; at < runs.length; at += 3) {
    host.measure("ner_encoder_batch_size", runs[at]!);
    tokens += runs[at + 1]!;
    padding += runs[at + 2]!;
  }
  host.measure("ner_encoder_tokens_total", tokens, { kind: "real" });
  host.measure("ner_encoder_tokens_total", padding, { kind: "pad" });
}

const infoOf = ({ version, sha256, types, labelMap, precision }: ModelFolder, provider: string): ModelInfo => ({
  version,
  ...(sha256 !== undefined && { sha256 }),
  types,
  labelMap,
  precision,
  provider,
});

/** A base encoder: it can learn, and says so where it is asked for entities. */
function untrained(model: ModelFolder, learner: TaggerLearner): OpenTagger {
  const fault = new Fault("MODEL_HEAD_MISSING", { folder: model.folder });
  return {
    model: { ...infoOf(model, "none"), types: [] },
    learner,
    ready: undefined,
    pids: [],
    tag: async (inputs: readonly TagInput[]): Promise<Outcome<Tagged>[]> => inputs.map(() => fail(fault)),
    close: async () => {},
  };
}

/** The learner's modules are loaded when a training begins. */
const learnerOf = (folder: string, options: Options): TaggerLearner => ({
  async start(plan) {
    const { startLearner } = await import("./learn/index.ts");
    return startLearner(folder, options, plan);
  },
});
