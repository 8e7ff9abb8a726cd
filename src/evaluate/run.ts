import { resolve } from "node:path";
import { type ConfigText, configInvalid, problemAt, validate } from "../config/index.ts";
import { Fault } from "../errors.ts";
import { type OpenParts, openParts } from "../open.ts";
import type { Plan } from "../plan.ts";
import { type ModelInfo, type Tagger, tagger as taggerPort } from "../tagger.ts";
import { type EvaluateSection, evaluateSchema } from "./config.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import { refuseShared } from "./guard.ts";
import { type LabelledSet, readSet } from "./set.ts";

/** The section `evaluate:` of a config, with paths resolved. Throws CONFIG_INVALID with the place of each mistake. */
export function sectionOf(text: ConfigText, section: unknown): EvaluateSection {
  if (section === undefined)
    throw configInvalid(text, [
      problemAt(text, [], "CONFIG_KEY_MISSING", { key: "evaluate", expected: "{ data: { path: … } }" }),
    ]);
  const checked = validate(evaluateSchema, section, text, ["evaluate"]);
  if (!("value" in checked)) throw configInvalid(text, checked.problems);
  const { data, train, valid, ...rest } = checked.value;
  const at = (path: string) => resolve(text.folder, path);
  const { path, knowledge, captions, ...format } = data;
  return {
    ...rest,
    data: {
      ...format,
      path: at(path),
      ...(knowledge && { knowledge: at(knowledge) }),
      ...(captions && { captions: at(captions) }),
    },
    ...(train && { train: at(train) }),
    ...(valid && { valid: at(valid) }),
  };
}

export interface RunOptions {
  /** Ask about every post, and compare with asking about some. */
  readonly gate?: boolean;
  readonly signal: AbortSignal;
}

/** Reads the data, refuses what was trained or chosen on, then opens the plan's stages and scores them. */
export async function runEvaluation(
  plan: Plan,
  section: EvaluateSection,
  { gate = false, signal }: RunOptions,
): Promise<Evaluation> {
  const { data, train } = await readSets(section);
  const parts = await openParts(plan);
  try {
    const { stages } = parts;
    const model = modelOf(parts, section.tagger);
    return await evaluate(data, { stages, model, train, bootstrap: section.bootstrap, gate, signal });
  } finally {
    await parts.close();
  }
}

async function readSets({ data, train, valid }: EvaluateSection): Promise<{ data: LabelledSet; train?: LabelledSet }> {
  const set = await readSet(data);
  const [trained, chosen] = [train && (await readSet({ path: train })), valid && (await readSet({ path: valid }))];
  for (const other of [trained, chosen]) if (other) refuseShared(set, other);
  return { data: set, ...(trained && { train: trained }) };
}

/** The tagger's description; undefined where the config has none, and then no types are mapped. */
export function modelOf({ resources }: OpenParts, name?: string): ModelInfo | undefined {
  const taggers = [...resources].filter(([, { port }]) => port === taggerPort.name);
  if (name === undefined && taggers.length > 1)
    throw new Fault("EVALUATE_TAGGER", { names: taggers.map(([tagger]) => tagger).join(", ") });
  const found = name === undefined ? taggers[0] : taggers.find(([tagger]) => tagger === name);
  if (name !== undefined && found === undefined)
    throw new Fault("RESOURCE_UNKNOWN", {
      borrower: "evaluate.tagger",
      name,
      help: `it should be one of ${taggers.map(([tagger]) => tagger).join(", ") || "the tagger@1 resources, of which there are none"}`,
    });
  return (found?.[1].value as Tagger | undefined)?.model;
}
