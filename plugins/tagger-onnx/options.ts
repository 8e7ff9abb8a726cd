import { z } from "starling-ner";

const auto = (about: string) =>
  z
    .union([z.literal("auto"), z.int().positive()])
    .default("auto")
    .describe(about);

export const options = z.strictObject({
  /** A folder saved by `starling train`, a Hugging Face folder, or an ONNX folder in optimum's layout. */
  model: z.string().min(1),
  /** `auto` takes int8 on a CPU where the folder has it, else fp32. */
  precision: z.enum(["auto", "int8", "fp32"]).default("auto"),
  /** Execution providers in order of preference: `cpu`, `cuda`, `tensorrt`, `webgpu`, `coreml`, `dml`, … */
  provider: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).default("cpu"),
  /** Whether operators, or the whole model, may run on the CPU where the provider cannot take them. */
  fallback: z.boolean().default(true),
  /** Child processes that hold the model. `auto`: one per core on a CPU as far as memory allows, one on other providers. */
  processes: auto("child processes"),
  /** Threads of each process. `auto`: the cores divided by the processes. */
  threads: auto("threads of each process"),
  /** Rows per run. `auto`: measured when the model opens, but one for an int8 model that another program made. */
  batch: auto("rows of one run"),
  /** Sub-words of text, captions and knowledge together; the model's own by default. Text alone may be longer. */
  maxSubwords: z.int().min(8).optional(),
  /** What the feature is pooled from; the model's own by default. */
  pooling: z.enum(["cls", "mean"]).optional(),
  /** A process that gives no answer for so long is killed and replaced; its posts fail. */
  timeoutMs: z.int().positive().default(30_000),
});

export type Options = z.output<typeof options>;
