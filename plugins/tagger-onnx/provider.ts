import { availableParallelism, freemem } from "node:os";
import type { InferenceSession } from "onnxruntime-node";
import type { Options } from "./options.ts";

/** How the model is spread over processes, and what each asks of ONNX Runtime. */
export interface Layout {
  readonly providers: readonly string[];
  readonly fallback: boolean;
  readonly processes: number;
  readonly threads: number;
  /** Rows of one run; undefined where each process measures it. */
  readonly batch: number | undefined;
}

/** More processes than this share the memory bus rather than the work. */
const MAX_PROCESSES = 8;

/**
 * A CPU is fastest with one thread per process: threads of one session wait for each other, processes do not.
 * Other providers want one process and large batches. `mixes`: rows of one run change each other's answers, as where
 * activations are quantised over the whole run (int8 models of other programs); such a model runs one row at a time unless the options say otherwise.
 */
export function chooseLayout(options: Options, modelBytes: number, mixes: boolean): Layout {
  const providers = typeof options.provider === "string" ? [options.provider] : options.provider;
  const onCpu = providers[0] === "cpu";
  const cores = availableParallelism();
  const { processes: asked, threads } = options;
  const perProcess = threads === "auto" ? 1 : threads;
  const fitting = Math.min(MAX_PROCESSES, Math.floor(cores / perProcess), memoryAllows(modelBytes));
  const processes = asked === "auto" ? (onCpu ? Math.max(1, fitting) : 1) : asked;
  return {
    providers,
    fallback: options.fallback,
    processes,
    threads: threads === "auto" ? Math.max(1, Math.floor(cores / processes)) : threads,
    batch: options.batch === "auto" ? (mixes ? 1 : undefined) : options.batch,
  };
}

/** A session holds about twice the file: the file's bytes and the weights laid out for the processor. */
const memoryAllows = (modelBytes: number): number => Math.floor((freemem() * 0.6) / (2 * modelBytes + 64e6));

export const isCpu = (provider: string): boolean => provider === "cpu";

/** Its kernel takes four times as long as the addition and the layer normalisation it replaces (ONNX Runtime 1.30). */
const SLOW_ON_CPU = "SkipLayerNormFusion";

/** `disable_cpu_ep_fallback` makes a session refuse a graph of which one operator would run on the CPU. */
export function sessionOptions(provider: string, layout: Layout): InferenceSession.SessionOptions {
  const session: Record<string, string> = {};
  // A thread that spins for work takes its core from the neighbouring processes.
  if (layout.processes > 1) session["intra_op.allow_spinning"] = "0";
  if (!isCpu(provider) && !layout.fallback) session.disable_cpu_ep_fallback = "1";
  return {
    executionProviders: [provider],
    intraOpNumThreads: layout.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    logSeverityLevel: 4,
    extra: { session, ...(isCpu(provider) && { optimization: { disable_specified_optimizers: SLOW_ON_CPU } }) },
  };
}
