import { type TrainingRun, type TrainPlan, tagsFor } from "starling-ner";
import { fitTemperature } from "starling-ner/crf";
import type { PackedInput } from "../input.ts";
import type { Options } from "../options.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { crfOf, learnStep } from "./learn-step.ts";
import { openLearner } from "./learner.ts";
import { saveFolder } from "./save.ts";
import { decodeAll, openReader } from "./tag.ts";

/** Posts that the ranges of int8 activations are measured on; more hardly move them. */
const SAMPLE_POSTS = 128;

/**
 * Begins a training run on the base encoder, or the saved model, of `folder`, by a gradient graph on ONNX Runtime and AdamW
 * on shared memory. `plan.options` are `learnerOptions`. Faults: MODEL_FILE_MISSING, MODEL_FILE_INVALID,
 * MODEL_FAMILY_UNKNOWN, NOT_A_NUMBER (in the weights), TOKENIZER_MISMATCH, TRAIN_DATA_UNFIT, MANIFEST_*.
 */
export async function startLearner(folder: string, _options: Options, plan: TrainPlan): Promise<TrainingRun> {
  const learner = await openLearner(folder, plan);
  const reader = await openReader(learner);
  const { served, types } = learner;
  const crf = crfOf(served.dense, served.dense.weights);
  const progress = { step: 0, temperature: 1 };
  let sample: readonly PackedInput[] = [];
  return {
    async learn(batch, signal) {
      signal.throwIfAborted();
      const loss = await learnStep(learner, batch, progress.step + 1);
      progress.step++;
      return loss;
    },
    async tag(inputs, signal) {
      const reads = await reader.read(inputs, signal);
      return decodeAll(reads, crf, types, progress.temperature, `${learner.options.name}-in-training`);
    },
    async calibrate(posts, signal) {
      const reads = await reader.read(posts, signal);
      sample = reads.slice(0, SAMPLE_POSTS).flatMap(({ packed }) => packed.rows);
      const examples = reads.map(({ emissions }, i) => {
        const steps = emissions.length / crf.tags;
        return { emissions, steps, gold: tagsFor(posts[i]!.gold, steps, types) };
      });
      progress.temperature = fitTemperature(crf, examples);
      return progress.temperature;
    },
    checkpoint: (into) => writeCheckpoint(into, learner, progress),
    async restore(from) {
      Object.assign(progress, await readCheckpoint(from, learner));
    },
    save: (into, options) => saveFolder(learner, { temperature: progress.temperature, sample }, into, options),
    async close() {
      await learner.step.close();
      await learner.optimiser.close();
      await reader.close();
    },
  };
}
